// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.files;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class NewDirectoryTests {
    @TempDir
    Path parent;

    @Test
    void appearsWhenItIsWhole() throws IOException {
        Path target = parent.resolve("new");
        try (NewDirectory directory = NewDirectory.begin(target)) {
            Files.writeString(directory.path().resolve("file"), "text");
            assertThat(target).doesNotExist();
            directory.commit();
        }
        assertThat(target.resolve("file")).hasContent("text");
        assertThat(parent.toFile().list()).containsExactly("new");
    }

    @Test
    void leavesNothingWhenItWasNotCommitted() throws IOException {
        try (NewDirectory directory = NewDirectory.begin(parent.resolve("new"))) {
            Files.createDirectory(directory.path().resolve("inner"));
            Files.writeString(directory.path().resolve("inner/file"), "text");
            assertThat(parent.toFile().list()).hasSize(1);
        }
        assertThat(parent.toFile().list()).isEmpty();
    }

    @Test
    void takesThePlaceOfAnEmptyDirectoryOnly() throws IOException {
        Path target = Files.createDirectory(parent.resolve("new"));
        try (NewDirectory directory = NewDirectory.begin(target)) {
            Files.writeString(directory.path().resolve("file"), "mine");
            Files.writeString(target.resolve("file"), "another's");
            assertThatThrownBy(directory::commit).isInstanceOf(DirectoryNotEmptyException.class);
        }
        assertThat(target.resolve("file")).hasContent("another's");
        Files.delete(target.resolve("file"));
        try (NewDirectory directory = NewDirectory.begin(target)) {
            Files.writeString(directory.path().resolve("file"), "mine");
            directory.commit();
        }
        assertThat(target.resolve("file")).hasContent("mine");
        assertThat(parent.toFile().list()).containsExactly("new");
    }

    /** The end of the JVM closes it while another thread still writes. */
    @Test
    void whatWasClosedIsNotMovedAnyMore() throws IOException {
        NewDirectory directory = NewDirectory.begin(parent.resolve("new"));
        directory.close();
        Files.createDirectory(directory.path());
        assertThatThrownBy(directory::commit).isInstanceOf(IOException.class)
                .hasMessage(parent.resolve("new") + " was closed before it was whole");
        assertThat(parent.resolve("new")).doesNotExist();
    }

    @Test
    void whatIsFree() throws IOException {
        assertThat(NewDirectory.isFree(parent.resolve("nothing"))).isTrue();
        assertThat(NewDirectory.isFree(Files.createDirectory(parent.resolve("empty")))).isTrue();
        assertThat(NewDirectory.isFree(Files.writeString(parent.resolve("file"), ""))).isFalse();
        assertThat(NewDirectory.isFree(parent)).isFalse();
        assertThat(NewDirectory.isFree(Files.createSymbolicLink(parent.resolve("link"), parent))).isFalse();
    }

    @Test
    void aParentThatIsMissingIsNamed() {
        Path target = parent.resolve("none").resolve("new");
        assertThatThrownBy(() -> NewDirectory.begin(target)).isInstanceOf(IOException.class)
                .hasMessageContaining("none");
    }
}
