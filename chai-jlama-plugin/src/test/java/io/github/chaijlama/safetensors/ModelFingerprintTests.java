// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

class ModelFingerprintTests {
    @TempDir
    Path directory;
    private Path model;

    @BeforeEach
    void writeModel() {
        model = TestModels.random(directory, TestModels.shape(64, 128, 4, 2), 64, "F32");
    }

    @Test
    void theSameFilesHaveTheSameFingerprint() throws IOException {
        String fingerprint = ModelFingerprint.of(model);
        assertThat(fingerprint).matches("sha256:[0-9a-f]{64}");

        Path config = model.resolve("config.json");
        Files.writeString(config, Files.readString(config).replaceFirst("\\{", "{ \"_name_or_path\": \"elsewhere\", "));
        assertThat(ModelFingerprint.of(model)).isEqualTo(fingerprint);
    }

    @Test
    void otherWeightsOrSettingsHaveAnother() throws IOException {
        String fingerprint = ModelFingerprint.of(model);
        Path config = model.resolve("config.json");
        String settings = Files.readString(config);

        Files.writeString(config, settings.replaceFirst("10000", "20000"));
        assertThat(ModelFingerprint.of(model)).isNotEqualTo(fingerprint);

        Files.writeString(config, settings);
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.delete(weights);
        Files.write(weights, bytes);
        assertThat(ModelFingerprint.of(model)).isNotEqualTo(fingerprint);
    }
}
