// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

import io.github.chaijlama.files.AtomicFile;

/** Finds models in the cache, whoever downloaded them, when the hub cannot be asked which files they have. */
final class CachedModel {
    private final HubCache cache;

    CachedModel(HubCache cache) {
        this.cache = cache;
    }

    /** Returns the model as it was last downloaded, empty if it never was, or not wholly. */
    Optional<HubSnapshot> find(HubRevision revision) {
        return cache.commit(revision).map(commit -> new HubSnapshot(cache.snapshot(commit), commit))
                .filter(snapshot -> missing(snapshot.directory()).isEmpty());
    }

    /**
     * Returns why {@link #find} finds nothing.
     *
     * @return a part of a sentence, without its beginning
     */
    String whyNot(HubRevision revision) {
        return cache.commit(revision).map(cache::snapshot).flatMap(snapshot -> missing(snapshot)
                .map(missing -> "its copy in the cache is not whole: " + snapshot + " has no " + missing))
                .orElseGet(() -> "the cache " + cache.root() + " does not have it");
    }

    /**
     * Returns a file that a model needs and a directory has not. A link to nowhere is no file. What comes last in our
     * own snapshots is config.json; other programs link files in any order.
     */
    private static Optional<String> missing(Path directory) {
        Set<String> needed = new TreeSet<>(Set.of(ModelFiles.CONFIG, ModelFiles.TOKENIZER));
        if (!Files.isRegularFile(directory.resolve(ModelFiles.WEIGHTS))) {
            Path index = directory.resolve(ModelFiles.INDEX);
            if (!Files.isRegularFile(index)) {
                return Optional.of(ModelFiles.WEIGHTS);
            }
            needed.addAll(shards(index));
        }
        return needed.stream().filter(name -> !Files.isRegularFile(directory.resolve(name))).findFirst();
    }

    private static Set<String> shards(Path index) {
        try {
            return ModelFiles.shards(index);
        } catch (IOException e) {
            throw new HubException(index + " cannot be read: " + AtomicFile.reason(e), "Make the file readable.", e);
        }
    }
}
