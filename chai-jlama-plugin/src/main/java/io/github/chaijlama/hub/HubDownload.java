// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.files.AtomicFile;

/** Downloads one revision of a model: asks what it consists of, brings what is not there, and links it together. */
final class HubDownload {
    private static final Logger logger = LoggerFactory.getLogger(HubDownload.class);
    /** A repository with ten thousands of files has a list of some megabytes. */
    private static final int MAX_LISTING = 64 << 20;

    private final HubRepository repository;
    private final HubRevision revision;
    private final HubCache cache;
    private final HubTimes times;
    private final SnapshotLinks links;
    private final HubClient client;
    private final ScheduledExecutorService timer;
    private final Consumer<String> lines;

    HubDownload(HubRepository repository, HubRevision revision, HubCache cache, HubTimes times, SnapshotLinks links,
            HubClient client, ScheduledExecutorService timer, Consumer<String> lines) {
        this.repository = repository;
        this.revision = revision;
        this.cache = cache;
        this.times = times;
        this.links = links;
        this.client = client;
        this.timer = timer;
        this.lines = lines;
    }

    /**
     * Downloads what is missing.
     *
     * @param listingAttempts how often to ask which files there are
     */
    HubSnapshot run(int listingAttempts) throws InterruptedException {
        HubListing listing = list(listingAttempts);
        try {
            BlobDownload blobs = new BlobDownload(client, cache, "/" + repository + "/resolve/" + listing.commit()
                    + "/", times, timer, lines);
            ModelFiles chosen = new ModelFiles(listing);
            List<HubFile> files = describe(chosen.withoutShards(), listing);
            if (chosen.hasShards()) {
                HubFile index = files.stream().filter(file -> file.path().equals(ModelFiles.INDEX)).findFirst()
                        .orElseThrow();
                fetch(List.of(index), listing.commit(), blobs);
                Path local = cache.find(listing.commit(), index).orElseThrow();
                files.addAll(0, describe(chosen.shardsOf(local), listing));
            }
            fetch(files, listing.commit(), blobs);
            link(files, listing.commit());
            return new HubSnapshot(cache.snapshot(listing.commit()), listing.commit());
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private HubException cannotWrite(IOException e) {
        return new HubException(repository + " cannot be written to the cache " + cache.root() + ": "
                + AtomicFile.reason(e),
                "Make the directory writable and give it room, or set HF_HOME or HF_HUB_CACHE "
                        + "to another; with HF_HUB_OFFLINE=1 a cache is only read.",
                e);
    }

    private HubListing list(int attempts) throws InterruptedException {
        String what = repository.toString();
        Retries retries = new Retries(times.withAttempts(attempts), what, lines);
        while (true) {
            try (HubClient.Answer answer = client.send(what, "GET", "/api/models/" + repository + "/revision/"
                    + SafePath.encodePart(revision.name()) + "?blobs=true", 0);
                    GuardedBody body = new GuardedBody(answer, times, timer)) {
                byte[] json = body.readAll(MAX_LISTING);
                return HubListing.parse(json, revision.equals(HubRevision.MAIN) ? what
                        : what + " at revision " + revision);
            } catch (PassingTrouble trouble) {
                retries.await(trouble);
            }
        }
    }

    /** Mirrors of the hub may list names only; what they say of a file beside its address does then. */
    private List<HubFile> describe(List<String> names, HubListing listing) throws InterruptedException {
        List<HubFile> files = new ArrayList<>();
        for (String name : names) {
            Optional<HubFile> listed = listing.file(name);
            files.add(listed.isPresent() ? listed.get() : ask(name, listing.commit()));
        }
        return files;
    }

    private HubFile ask(String name, String commit) throws InterruptedException {
        Retries retries = new Retries(times, name, lines);
        while (true) {
            try (HubClient.Answer answer = client.send(name, "HEAD", "/" + repository + "/resolve/" + commit + "/"
                    + SafePath.encode(name), 0)) {
                Optional<ContentHash> hash = answer.asked().firstValue("X-Linked-Etag")
                        .or(() -> answer.headers().firstValue("ETag")).flatMap(ContentHash::ofEtag);
                Optional<String> size = answer.asked().firstValue("X-Linked-Size")
                        .or(() -> answer.headers().firstValue("Content-Length"))
                        .filter(text -> text.matches("\\d{1,18}"));
                if (hash.isEmpty() || size.isEmpty()) {
                    throw new HubException(answer.host() + " does not say what " + name + " of " + repository
                            + " must be: expected its size, and as ETag its SHA-256 or what Git calls it",
                            "Set HF_ENDPOINT to a hub that does; what is not checked is not used.");
                }
                return new HubFile(name, Long.parseLong(size.get()), hash.get());
            } catch (PassingTrouble trouble) {
                retries.await(trouble);
            }
        }
    }

    private void fetch(List<HubFile> files, String commit, BlobDownload blobs)
            throws IOException, InterruptedException {
        Map<ContentHash, HubFile> missing = new LinkedHashMap<>();
        for (HubFile file : files) {
            if (cache.find(commit, file).isEmpty()) {
                missing.put(file.hash(), file);
            }
        }
        if (missing.isEmpty()) {
            return;
        }
        requireRoom(missing.values());
        long bytes = missing.values().stream().mapToLong(HubFile::size).sum();
        lines.accept("Downloading " + repository + " to " + cache.model() + ": " + missing.size() + " files, "
                + TransferText.bytes(bytes));
        DownloadProgress progress = new DownloadProgress(repository.toString(), bytes, System::nanoTime);
        new ParallelFetch(blobs, times, timer, lines).fetch(missing.values(), progress);
        lines.accept(progress.summary());
    }

    /** Better said now than in an hour. */
    private void requireRoom(Collection<HubFile> missing) throws IOException {
        Files.createDirectories(cache.model());
        long needed = 0;
        for (HubFile file : missing) {
            Path begun = cache.incomplete(file.hash());
            needed += file.size() - (Files.exists(begun) ? Math.min(Files.size(begun), file.size()) : 0);
        }
        long room = Files.getFileStore(cache.model()).getUsableSpace();
        if (room < needed) {
            throw new HubException("there is no room for " + repository + " in " + cache.root() + ": it needs "
                    + TransferText.bytes(needed) + ", there are " + TransferText.bytes(room),
                    "Make room, or set HF_HOME or HF_HUB_CACHE to a directory of another disk.");
        }
    }

    private void link(List<HubFile> files, String commit) throws IOException {
        for (HubFile file : files) {
            Path inSnapshot = SafePath.resolve(cache.snapshot(commit), file.path());
            if (!HubCache.isWhole(inSnapshot, file)) {
                links.link(inSnapshot, cache.blob(file.hash()));
            }
        }
        try {
            cache.writeRef(revision, commit);
        } catch (IOException e) {
            // The model is whole. Only who is offline later would look for it in vain, and that is said then.
            logger.warn("{} is in {}, but the cache cannot be told that this is revision {}: {}", repository,
                    cache.snapshot(commit), revision, AtomicFile.reason(e));
        }
    }
}
