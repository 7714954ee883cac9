// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.net.http.HttpHeaders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.chaijlama.model.Excerpt;

/** Brings contents into the cache: from where an earlier attempt ended, and checked before they get their names. */
final class BlobDownload {
    private static final int CHUNK = 1 << 16;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18}|\\*)");
    private static final String DAMAGED = "Try again; if it stays so, the file was damaged at the hub or on the way, "
            + "for instance by a proxy.";

    private final HubClient client;
    private final HubCache cache;
    private final String filesPath;
    private final HubTimes times;
    private final ScheduledExecutorService timer;
    private final Consumer<String> lines;

    /**
     * Prepares downloads of one commit.
     *
     * @param filesPath path at the hub that names of files are put behind
     * @param lines     is told what goes wrong and is tried again
     */
    BlobDownload(HubClient client, HubCache cache, String filesPath, HubTimes times, ScheduledExecutorService timer,
            Consumer<String> lines) {
        this.client = client;
        this.cache = cache;
        this.filesPath = filesPath;
        this.times = times;
        this.timer = timer;
        this.lines = lines;
    }

    /**
     * Brings the content of a file into the cache, unless somebody else does meanwhile.
     *
     * @throws IOException if the cache cannot be written
     */
    void fetch(HubFile file, DownloadProgress progress) throws IOException, InterruptedException {
        Path blob = cache.blob(file.hash());
        Path incomplete = cache.incomplete(file.hash());
        Files.createDirectories(blob.getParent());
        try (BlobLock _ = BlobLock.acquire(cache.lock(file.hash()),
                () -> lines.accept("Waiting for " + file.path() + ", which somebody else is downloading"))) {
            if (HubCache.isWhole(blob, file)) {
                progress.present(file.size());
                return;
            }
            try (IncompleteBlob content = IncompleteBlob.open(incomplete, file)) {
                progress.present(content.length());
                fill(file, content, progress);
                content.force();
            }
            Files.move(incomplete, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** What was put together from pieces and is wrong is fetched once more in one. */
    private void fill(HubFile file, IncompleteBlob content, DownloadProgress progress)
            throws IOException, InterruptedException {
        boolean pieces = complete(file, content, progress);
        ContentHash found = content.hash();
        if (!found.equals(file.hash()) && pieces) {
            lines.accept(file.path() + ": the pieces of several attempts do not make the file; downloading it anew");
            restart(content, progress);
            complete(file, content, progress);
            found = content.hash();
        }
        if (!found.equals(file.hash())) {
            restart(content, progress);
            throw new HubException(file.path() + " was downloaded with the wrong content: expected " + file.hash()
                    + ", found " + found, DAMAGED);
        }
    }

    /** Returns whether it took more than one attempt, earlier ones included. */
    private boolean complete(HubFile file, IncompleteBlob content, DownloadProgress progress)
            throws IOException, InterruptedException {
        Retries retries = new Retries(times, file.path(), lines);
        boolean pieces = content.length() > 0;
        while (!content.isWhole()) {
            try {
                transfer(file, content, progress, retries);
            } catch (PassingTrouble trouble) {
                pieces = true;
                retries.await(trouble);
            }
        }
        return pieces;
    }

    private void transfer(HubFile file, IncompleteBlob content, DownloadProgress progress, Retries retries)
            throws IOException, InterruptedException {
        try (HubClient.Answer answer = client.send(file.path(), "GET", filesPath + SafePath.encode(file.path()),
                content.length());
                GuardedBody body = new GuardedBody(answer, times, timer)) {
            requireAnnounced(answer.asked(), file);
            long first = firstByte(answer, file);
            if (first != content.length()) {
                restart(content, progress);
            }
            if (first != content.length()) {
                throw new PassingTrouble(answer.host() + " sent another part than was asked for");
            }
            byte[] chunk = new byte[CHUNK];
            for (int read = body.read(chunk); read >= 0; read = body.read(chunk)) {
                if (read > file.size() - content.length()) {
                    throw wrongSize(file, "more");
                }
                content.append(chunk, read);
                progress.received(read);
                retries.brought(read);
            }
            if (!content.isWhole()) {
                throw new PassingTrouble(answer.host() + " ended after " + content.length() + " of " + file.size()
                        + " bytes");
            }
        }
    }

    private static void restart(IncompleteBlob content, DownloadProgress progress) throws IOException {
        progress.present(-content.length());
        content.restart();
    }

    /** Whatever the hub says of a file beside its address must be what its list says. */
    private static void requireAnnounced(HttpHeaders headers, HubFile file) {
        headers.firstValue("X-Linked-Size").filter(size -> !size.equals(Long.toString(file.size())))
                .ifPresent(size -> {
                    throw wrongSize(file, Excerpt.of(size));
                });
        headers.firstValue("X-Linked-Etag").flatMap(ContentHash::ofEtag).filter(hash -> !hash.equals(file.hash()))
                .ifPresent(hash -> {
                    throw new HubException("the hub's list of files says that " + file.path() + " has " + file.hash()
                            + ", and the hub now says " + hash, DAMAGED);
                });
    }

    /** Returns where an answer begins, -1 if that is unknown: not every server knows ranges. */
    private static long firstByte(HubClient.Answer answer, HubFile file) {
        HttpHeaders headers = answer.headers();
        if (answer.status() == 416) {
            return -1;
        }
        String encoding = headers.firstValue("Content-Encoding").orElse("identity");
        if (!encoding.equals("identity")) {
            throw new HubException(file.path() + " could not be downloaded: expected it as it is, " + answer.host()
                    + " sent it encoded as '" + Excerpt.of(encoding) + "'", DAMAGED);
        }
        if (answer.status() == 200) {
            headers.firstValue("Content-Length").filter(size -> !size.equals(Long.toString(file.size())))
                    .ifPresent(size -> {
                        throw wrongSize(file, Excerpt.of(size));
                    });
            return 0;
        }
        Matcher range = CONTENT_RANGE.matcher(headers.firstValue("Content-Range").orElse(""));
        if (!range.matches()) {
            return -1;
        }
        if (!range.group(2).equals("*") && Long.parseLong(range.group(2)) != file.size()) {
            throw wrongSize(file, range.group(2));
        }
        return Long.parseLong(range.group(1));
    }

    private static HubException wrongSize(HubFile file, String found) {
        return new HubException(file.path() + " has the wrong size: expected " + file.size() + " bytes, found "
                + found, DAMAGED);
    }
}
