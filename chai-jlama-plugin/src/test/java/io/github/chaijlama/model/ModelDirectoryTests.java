// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.safetensors.ModelFingerprint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Models as huggingface_hub keeps them, whichever of its files and directories is named. */
class ModelDirectoryTests {
    private static final String REVISION = "0123456789abcdef0123456789abcdef01234567";
    private static final String OTHER = "fedcba9876543210fedcba9876543210fedcba98";

    @TempDir
    Path cache;
    private Path model;
    private Path snapshot;

    /** Pocket, as the cache has it: contents in blobs, a snapshot of links to them, a branch. */
    @BeforeEach
    void fillCache() throws IOException {
        model = cache.resolve("models--makers--pocket");
        snapshot = Files.createDirectories(model.resolve("snapshots").resolve(REVISION));
        Path blobs = Files.createDirectories(model.resolve("blobs"));
        Path refs = Files.createDirectories(model.resolve("refs").resolve("pr"));
        try (var files = Files.list(TestModels.POCKET)) {
            int number = 0;
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path blob = Files.copy(file, blobs.resolve("blob" + number++));
                Files.createSymbolicLink(snapshot.resolve(file.getFileName()), snapshot.relativize(blob));
            }
        }
        Files.writeString(refs.resolveSibling("main"), REVISION);
        Files.writeString(refs.resolve("7"), OTHER);
    }

    @Test
    void everyPartOfACacheLeadsToTheFiles() {
        for (Path named : List.of(model, model.resolve("snapshots"), model.resolve("refs"),
                model.resolve("refs").resolve("main"), model.resolve("refs").resolve("..").resolve("snapshots"))) {
            assertThat(ModelDirectory.of(named)).as("%s", named).isEqualTo(snapshot);
        }
        for (Path named : List.of(snapshot, cache, model.resolve("blobs"), cache.resolve("missing"),
                TestModels.POCKET)) {
            assertThat(ModelDirectory.of(named)).isEqualTo(named);
        }
    }

    @Test
    void modelsRunFromIt() {
        try (ChaiModel plain = ChaiModel.load(TestModels.POCKET, ChaiOptions.exact());
                ChaiSession session = plain.newSession();
                TextModel text = TextModel.load(model, ChaiOptions.exact());
                ChaiSession other = text.model().newSession()) {
            assertThat(other.feed(5, 6, 7)).isEqualTo(session.feed(5, 6, 7));
            assertThat(text.model().fingerprint()).isEqualTo(ModelFingerprint.of(TestModels.POCKET))
                    .isEqualTo(ModelFingerprint.of(model));
        }
    }

    @Test
    void aBranchMayNameAnotherSnapshot() throws IOException {
        assertThatThrownBy(() -> ModelDirectory.of(model.resolve("refs").resolve("pr").resolve("7")))
                .isInstanceOf(ModelLoadException.class).hasMessage(model.resolve("refs").resolve("pr").resolve("7")
                        + " names the revision " + OTHER + ", of which there is no snapshot; there are: " + REVISION);
        Path other = Files.createDirectories(snapshot.resolveSibling(OTHER));
        assertThat(ModelDirectory.of(model.resolve("refs").resolve("pr").resolve("7"))).isEqualTo(other);
        assertThat(ModelDirectory.of(model)).isEqualTo(snapshot);
    }

    @Test
    void withoutABranchTheOnlySnapshotIsMeant() throws IOException {
        Files.delete(model.resolve("refs").resolve("main"));
        assertThat(ModelDirectory.of(model)).isEqualTo(snapshot);
        Files.createDirectories(snapshot.resolveSibling(OTHER));
        assertThatThrownBy(() -> ModelDirectory.of(model)).isInstanceOf(ModelLoadException.class)
                .hasMessage(model + " has no refs/main that says which snapshot is meant; name the directory of one; "
                        + "there are: " + REVISION + ", " + OTHER);
    }

    @Test
    void aBranchLeadsNowhereElse() throws IOException {
        for (String revision : List.of("../../elsewhere", "", "..")) {
            Files.writeString(model.resolve("refs").resolve("main"), revision);
            assertThatThrownBy(() -> ModelConfig.read(model)).isInstanceOf(ModelLoadException.class)
                    .hasMessage(model.resolve("refs").resolve("main") + " must name a revision, found '" + revision
                            + "'");
        }
    }
}
