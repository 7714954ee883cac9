// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import io.github.chaijlama.files.AtomicFile;
import io.github.chaijlama.model.Excerpt;

/**
 * One model's part of the cache, laid out as huggingface_hub does, so that either reads what the other wrote:
 * {@code blobs} has contents under their hashes, {@code snapshots} a directory for each commit whose files are links to
 * them, {@code refs} the commits that branches and tags were last seen at.
 */
final class HubCache {
    private final HubRepository repository;
    private final Path root;
    private final Path model;

    HubCache(Path root, HubRepository repository) {
        this.root = root.toAbsolutePath().normalize();
        this.repository = repository;
        this.model = this.root.resolve(repository.cacheName());
    }

    /** Returns the directory of all models. */
    Path root() {
        return root;
    }

    /** Returns the directory of this model. */
    Path model() {
        return model;
    }

    /** Returns where a content is, or will be. */
    Path blob(ContentHash hash) {
        return model.resolve("blobs").resolve(hash.hex());
    }

    /** Returns where a content is while it comes. */
    Path incomplete(ContentHash hash) {
        return model.resolve("blobs").resolve(hash.hex() + ".incomplete");
    }

    /** Returns the file that whoever fetches a content holds a lock on. */
    Path lock(ContentHash hash) {
        return root.resolve(".locks").resolve(repository.cacheName()).resolve(hash.hex() + ".lock");
    }

    /** Returns the directory of a commit. */
    Path snapshot(String commit) {
        return model.resolve("snapshots").resolve(commit);
    }

    /** Returns where a whole file of a commit is: in its snapshot, or as a content alone. Empty if it is nowhere. */
    Optional<Path> find(String commit, HubFile file) throws IOException {
        Path inSnapshot = SafePath.resolve(snapshot(commit), file.path());
        if (isWhole(inSnapshot, file)) {
            return Optional.of(inSnapshot);
        }
        Path blob = blob(file.hash());
        return isWhole(blob, file) ? Optional.of(blob) : Optional.empty();
    }

    /** A content gets its name when it is whole; its size only shows what somebody else has done to it. */
    static boolean isWhole(Path path, HubFile file) throws IOException {
        return Files.isRegularFile(path) && Files.size(path) == file.size();
    }

    /** Returns the commit that a revision was at when it was last downloaded, empty if it never was. */
    Optional<String> commit(HubRevision revision) {
        if (revision.isCommit()) {
            return Optional.of(revision.name());
        }
        Path ref = ref(revision);
        if (!Files.isRegularFile(ref)) {
            return Optional.empty();
        }
        try {
            String text = Files.readString(ref).strip();
            if (!HubRevision.isCommit(text)) {
                throw new HubException("expected a commit in " + ref + ", found '" + Excerpt.of(text) + "'",
                        "Delete the file, and download the model again.");
            }
            return Optional.of(text);
        } catch (IOException e) {
            throw new HubException(ref + " cannot be read: " + AtomicFile.reason(e), "Make the file readable.", e);
        }
    }

    /** Remembers which commit a revision is at. */
    void writeRef(HubRevision revision, String commit) throws IOException {
        Path ref = ref(revision);
        if (revision.isCommit() || Files.isRegularFile(ref) && Files.readString(ref).strip().equals(commit)) {
            return;
        }
        Files.createDirectories(ref.getParent());
        AtomicFile.write(ref, commit);
    }

    private Path ref(HubRevision revision) {
        return SafePath.resolve(model.resolve("refs"), revision.name());
    }
}
