// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** What users download: the model with its card, and nothing of how it was trained. */
class SampleJarContentsIT {

    @Test
    void theModelIsInsideAndItsTrainingIsNot() throws IOException {
        try (JarFile jar = new JarFile(SampleJarIT.jar().toFile())) {
            List<String> files = jar.stream().filter(entry -> !entry.isDirectory()).map(JarEntry::getName)
                    .filter(name -> name.startsWith("BOOT-INF/classes/")).toList();
            assertThat(files).filteredOn(name -> name.matches(".*/(models|profiles|training)/.*"))
                    .containsExactlyInAnyOrder("BOOT-INF/classes/models/pocket/README.md",
                            "BOOT-INF/classes/models/pocket/config.json",
                            "BOOT-INF/classes/models/pocket/model.safetensors",
                            "BOOT-INF/classes/models/pocket/tokenizer.json",
                            "BOOT-INF/classes/models/pocket/tokenizer_config.json",
                            "BOOT-INF/classes/profiles/pocket.json");
            assertThat(files).noneMatch(name -> name.endsWith(".py") || name.endsWith(".jinja"));
            assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
        }
    }
}
