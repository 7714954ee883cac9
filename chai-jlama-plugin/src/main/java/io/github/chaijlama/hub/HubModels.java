// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;

/**
 * Models by name, from the Hugging Face hub or from its cache on this machine. Thread-safe; several processes may want
 * the same model at once.
 */
public final class HubModels {
    private final HubSettings settings;
    private final HubTimes times;
    private final SnapshotLinks links;

    /** Creates models of a hub. */
    public HubModels(HubSettings settings) {
        this(settings, HubTimes.DEFAULT, new SnapshotLinks(SnapshotLinks.ALL));
    }

    HubModels(HubSettings settings, HubTimes times, SnapshotLinks links) {
        this.settings = settings;
        this.times = times;
        this.links = links;
    }

    /**
     * Returns a model, downloaded as far as it is not in the cache. If the hub cannot be reached, and where settings
     * forbid to ask it, the model is what was last downloaded; a commit that is in the cache is not asked for.
     *
     * @param progress is told what happens, line by line, from several threads but one at a time
     * @throws HubException if it cannot be had
     */
    public HubSnapshot find(HubRepository repository, HubRevision revision, Consumer<String> progress) {
        CachedModel cached = new CachedModel(new HubCache(settings.cache(), repository));
        if (settings.offline()) {
            return offline(cached, repository, revision);
        }
        Optional<HubSnapshot> last = cached.find(revision);
        if (last.isPresent() && revision.isCommit()) {
            return last.get();
        }
        try {
            return download(repository, revision, progress, last.isPresent() ? 1 : times.attempts());
        } catch (HubException e) {
            if (!e.isPassing() || last.isEmpty()) {
                throw e;
            }
            progress.accept(e.problem() + "; using what was downloaded before: " + last.get().directory());
            return last.get();
        }
    }

    /**
     * Downloads what the cache does not have of a model as it is at the hub now. Where settings forbid that, the model
     * must be in the cache.
     *
     * @param progress is told what happens, line by line, from several threads but one at a time
     * @throws HubException if it cannot be had
     */
    public HubSnapshot download(HubRepository repository, HubRevision revision, Consumer<String> progress) {
        return settings.offline()
                ? offline(new CachedModel(new HubCache(settings.cache(), repository)), repository, revision)
                : download(repository, revision, progress, times.attempts());
    }

    private static HubSnapshot offline(CachedModel cached, HubRepository repository, HubRevision revision) {
        return cached.find(revision).orElseThrow(() -> new HubException(
                repository + " at revision " + revision + " cannot be had offline, as HF_HUB_OFFLINE wants it: "
                        + cached.whyNot(revision),
                "Unset HF_HUB_OFFLINE, or download the model beforehand: chai download " + repository
                        + (revision.equals(HubRevision.MAIN) ? "" : " --revision " + revision) + "."));
    }

    private HubSnapshot download(HubRepository repository, HubRevision revision, Consumer<String> progress,
            int listingAttempts) {
        HubErrors errors = new HubErrors(settings, repository, revision);
        Object turn = new Object();
        Consumer<String> lines = line -> {
            synchronized (turn) {
                progress.accept(line);
            }
        };
        try (HubClient client = new HubClient(settings, times, errors);
                ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("chai-download-timer").factory())) {
            return new HubDownload(repository, revision, new HubCache(settings.cache(), repository), times, links,
                    client, timer, lines).run(listingAttempts);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HubException("the download of " + repository + " was interrupted",
                    "Start again: what has been downloaded is kept.", e);
        }
    }
}
