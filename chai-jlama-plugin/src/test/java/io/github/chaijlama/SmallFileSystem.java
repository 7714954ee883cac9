// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Assumptions;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A directory that is full after a few kilobytes. A test that needs one is skipped, and says so, where it cannot be
 * made.
 *
 * @param path the directory
 */
public record SmallFileSystem(Path path) implements AutoCloseable {

    /** Mounts a file system of some kilobytes on a new directory. */
    public static SmallFileSystem mount(Path parent, int kilobytes) throws IOException {
        Path path = Files.createDirectory(parent.resolve("small"));
        Assumptions.assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=" + kilobytes + "k", "tmpfs", path.toString()),
                "a file system of " + kilobytes
                        + " KiB cannot be mounted here (Linux and root are needed): test skipped");
        return new SmallFileSystem(path);
    }

    /** Lets nobody write to it any more. */
    public void makeReadOnly() {
        assertThat(run("mount", "-o", "remount,ro", path.toString())).isTrue();
    }

    @Override
    public void close() {
        assertThat(run("umount", path.toString())).isTrue();
    }

    private static boolean run(String... command) {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException _) {
            return false; // there is no such command
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while " + List.of(command) + " ran", e);
        }
    }
}
