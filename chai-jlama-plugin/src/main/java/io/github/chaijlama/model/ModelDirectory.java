// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where a model's files are. Programs that use huggingface_hub keep a model as {@code models--OWNER--NAME}, with a
 * directory in {@code snapshots} for every revision, links to {@code blobs} in it, and in {@code refs} the revisions
 * that branches were at: any of these may be named instead of the directory with the files.
 */
public final class ModelDirectory {
    private static final String OF_CACHE = "models--";
    private static final String SNAPSHOTS = "snapshots";
    private static final String REFS = "refs";
    private static final String MAIN = "main";
    /** What a revision can be called: nothing that leads elsewhere. */
    private static final String REVISION = "[A-Za-z0-9][A-Za-z0-9._-]{0,255}";

    private ModelDirectory() {}

    /**
     * Returns the directory that has a model's files: of a model in a cache the snapshot that {@code refs/main} names
     * or the only one, for a file in {@code refs} the one that this names; what is no part of a cache as it is.
     *
     * @param named what a user has named
     * @throws ModelLoadException if it is part of a cache, and which snapshot is meant cannot be told
     */
    public static Path of(Path named) {
        Path absolute = named.toAbsolutePath().normalize();
        Optional<Path> model = modelInCache(absolute);
        if (model.isEmpty() || Files.exists(named.resolve("config.json"))) {
            return named;
        }
        boolean isRef = absolute.startsWith(model.get().resolve(REFS)) && Files.isRegularFile(named);
        Path ref = isRef ? absolute : model.get().resolve(REFS).resolve(MAIN);
        return Files.exists(ref) ? snapshotOf(model.get(), ref) : onlySnapshot(model.get());
    }

    /** Returns the directory of a model in a cache, if that is meant and not one of its snapshots. */
    private static Optional<Path> modelInCache(Path absolute) {
        for (Path path = absolute; path != null && path.getFileName() != null; path = path.getParent()) {
            if (path.getFileName().toString().startsWith(OF_CACHE) && Files.isDirectory(path.resolve(SNAPSHOTS))) {
                boolean inside = path.equals(absolute) || absolute.equals(path.resolve(SNAPSHOTS))
                        || absolute.startsWith(path.resolve(REFS));
                return inside ? Optional.of(path) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static Path snapshotOf(Path model, Path ref) {
        String revision = read(ref);
        Path snapshot = model.resolve(SNAPSHOTS).resolve(revision);
        if (!Files.isDirectory(snapshot)) {
            throw new ModelLoadException(ref + " names the revision " + revision + ", of which there is no snapshot; "
                    + "there are: " + names(snapshots(model)));
        }
        return snapshot;
    }

    private static String read(Path ref) {
        try {
            JsonFiles.requireFile(ref);
            String revision = Files.readString(ref).strip();
            if (!revision.matches(REVISION)) {
                throw new ModelLoadException(ref + " must name a revision, found '" + Excerpt.of(revision) + "'");
            }
            return revision;
        } catch (IOException e) {
            throw new ModelLoadException(ref + " cannot be read: " + JsonFiles.reason(e), e);
        }
    }

    private static Path onlySnapshot(Path model) {
        List<Path> snapshots = snapshots(model);
        if (snapshots.size() != 1) {
            throw new ModelLoadException(model + " has no " + REFS + "/" + MAIN + " that says which snapshot is meant; "
                    + "name the directory of one; there are: " + names(snapshots));
        }
        return snapshots.getFirst();
    }

    private static List<Path> snapshots(Path model) {
        try (Stream<Path> directories = Files.list(model.resolve(SNAPSHOTS))) {
            return directories.filter(Files::isDirectory).sorted().toList();
        } catch (IOException e) {
            throw new ModelLoadException(model.resolve(SNAPSHOTS) + " cannot be read: " + JsonFiles.reason(e), e);
        }
    }

    private static String names(List<Path> snapshots) {
        return snapshots.isEmpty() ? "none"
                : String.join(", ", snapshots.stream().map(path -> path.getFileName().toString()).toList());
    }
}
