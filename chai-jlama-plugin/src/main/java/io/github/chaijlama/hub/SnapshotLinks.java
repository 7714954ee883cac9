// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;

/**
 * Puts contents into a snapshot under the names of files. Each appears in one step, so that two processes may do the
 * same at once.
 */
final class SnapshotLinks {

    /** A way to have a content under another name. */
    interface Way {
        void link(Path link, Path blob) throws IOException;
    }

    /** Relative, so that the cache can be moved. */
    static final Way SYMBOLIC_LINK = (link, blob) -> Files.createSymbolicLink(link,
            link.resolveSibling("").relativize(blob));
    /** Windows allows these to everybody. */
    static final Way HARD_LINK = Files::createLink;
    /** What remains, for instance on a memory card. */
    static final Way COPY = (link, blob) -> Files.copy(blob, link);

    /** The ways in the order they are tried. */
    static final List<Way> ALL = List.of(SYMBOLIC_LINK, HARD_LINK, COPY);

    private final List<Way> ways;

    SnapshotLinks(List<Way> ways) {
        this.ways = ways;
    }

    /**
     * Lets a file of a snapshot be a content.
     *
     * @throws IOException if no way works; it says why the last one did not
     */
    void link(Path file, Path blob) throws IOException {
        Files.createDirectories(file.getParent());
        Path temporary = file.resolveSibling("." + UUID.randomUUID());
        try {
            create(temporary, blob);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private void create(Path link, Path blob) throws IOException {
        for (Way way : ways.subList(0, ways.size() - 1)) {
            try {
                way.link(link, blob);
                return;
            } catch (IOException | UnsupportedOperationException _) {
                Files.deleteIfExists(link);
            }
        }
        ways.getLast().link(link, blob);
    }
}
