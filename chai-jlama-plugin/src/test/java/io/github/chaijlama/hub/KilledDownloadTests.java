// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.files.AtomicFile;
import io.github.chaijlama.hub.StoppedProcess.Place;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code chai download} that is killed ({@code kill -9}) where it stands still at a place of its code, or waits for the
 * hub; what it leaves, and what the next one makes of that.
 */
@Tag("alone")
@Timeout(300)
class KilledDownloadTests {
    private static final String WEIGHTS = "model.safetensors";
    private static final String TOKENIZER = "tokenizer.json";
    private static final List<String> FILES = List.of("config.json", "generation_config.json", TOKENIZER,
            "tokenizer_config.json", "chat_template.jinja", "additional_chat_templates/tools.jinja", WEIGHTS);

    private final TestHub hub = TestHub.withModel();

    @TempDir
    private Path home;

    @AfterEach
    void stop() {
        hub.close();
    }

    /** Starts a download that gets to a place and no further. */
    private interface Approach {
        Process start(KilledDownloadTests test) throws Exception;
    }

    private enum Killed {
        BEFORE_THE_LIST(at(Place.of(HubDownload.class, "list"))),
        IN_THE_LIST(test -> test.holdAnswer("list", 100, () -> true)),
        BEFORE_ANY_FILE(at(Place.of(BlobLock.class, "acquire"))),
        IN_A_SMALL_FILE(test -> test.holdAnswer(TOKENIZER, 3, () -> true)),
        AFTER_ONE_BYTE(test -> test.holdAnswer(WEIGHTS, 1, () -> test.hasBytes(1))),
        IN_THE_MIDDLE(test -> test.holdAnswer(WEIGHTS, 1_500_000, () -> test.hasBytes(1_500_000))),
        BEFORE_THE_LAST_BYTE(test -> test.holdAnswer(WEIGHTS, 2_999_999, () -> test.hasBytes(2_999_999))),
        BEFORE_ALL_IS_HASHED(at(Place.of(IncompleteBlob.class, "hash").ofFile(WEIGHTS))),
        BEFORE_IT_IS_ON_THE_DISK(at(Place.of(IncompleteBlob.class, "force").ofFile(WEIGHTS))),
        BEFORE_A_CONTENT_HAS_ITS_NAME(at(Place.of(Files.class, "move").calledBy(BlobDownload.class))),
        BETWEEN_FILES(test -> test.holdAnswer(TOKENIZER, 0, () -> test.blobs() == 5)),
        BEFORE_ANY_LINK(at(Place.of(SnapshotLinks.class, "link"))),
        BETWEEN_LINKS(at(Place.of(SnapshotLinks.class, "link").atHit(4))),
        BEFORE_A_LINK_HAS_ITS_NAME(at(Place.of(Files.class, "move").calledBy(SnapshotLinks.class).atHit(2))),
        BEFORE_THE_BRANCH_IS_KNOWN(at(Place.of(HubCache.class, "writeRef"))),
        WHILE_THE_BRANCH_IS_WRITTEN(at(Place.of(Files.class, "move").calledBy(AtomicFile.class))),
        WHILE_IT_READS_WHAT_IS_THERE(test -> {
            test.kill(IN_THE_MIDDLE.approach.start(test));
            return at(Place.of(IncompleteBlob.class, "readAgain").ofFile(WEIGHTS)).start(test);
        });

        private final Approach approach;

        Killed(Approach approach) {
            this.approach = approach;
        }

        private static Approach at(Place place) {
            return test -> StoppedProcess.start(argument -> HubProcessesTests.start(test.hub, test.home,
                    List.of(argument), TestHub.ID), place);
        }
    }

    /** Whether a download has got where it is to be killed. */
    private interface Sight {
        boolean isThere() throws IOException;
    }

    private final CountDownLatch killed = new CountDownLatch(1);

    /** Lets the hub send some bytes of an answer, and no more before the download has been killed. */
    private Process holdAnswer(String file, int bytes, Sight sight) throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        hub.answer(file, (exchange, content) -> {
            if (bytes > 0) {
                TestHub.begin(exchange, content, 0);
                exchange.getResponseBody().write(content, 0, bytes);
                exchange.getResponseBody().flush();
            }
            sent.countDown();
            await(killed);
        });
        Process process = HubProcessesTests.start(hub, home, List.of(), TestHub.ID);
        await(sent);
        while (!sight.isThere()) {
            Thread.sleep(5);
        }
        return process;
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(120, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private void kill(Process process) throws InterruptedException {
        process.destroyForcibly(); // kill -9
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as("128 and the signal's number").isEqualTo(137);
        hub.answerAsUsual();
    }

    private Path cache() {
        return home.resolve("hub");
    }

    private Path model() {
        return cache().resolve("models--owner--model");
    }

    private Path snapshot() {
        return model().resolve("snapshots").resolve(TestHub.COMMIT);
    }

    private Path blob(String file) {
        return model().resolve("blobs").resolve(TestHub.hash(hub.content(file)));
    }

    private Path incomplete(String file) {
        return blob(file).resolveSibling(blob(file).getFileName() + ".incomplete");
    }

    private boolean hasBytes(int bytes) throws IOException {
        return Files.exists(incomplete(WEIGHTS)) && Files.size(incomplete(WEIGHTS)) >= bytes;
    }

    /** Returns how many contents have their names. */
    private long blobs() {
        return FILES.stream().map(this::blob).distinct().filter(Files::exists).count();
    }

    private static List<Path> files(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(file -> !Files.isDirectory(file)).toList();
        }
    }

    private Optional<Path> offline() {
        try {
            HubSettings settings = new HubSettings(URI.create(hub.endpoint()), cache(), Optional.empty(), true);
            return Optional.of(new HubModels(settings).find(TestHub.REPOSITORY, HubRevision.MAIN, line -> {})
                    .directory());
        } catch (HubException e) {
            return Optional.empty();
        }
    }

    /** What has a name is whole: contents, files of the snapshot, and the branch. */
    private void assertNothingHalf() throws IOException {
        for (String file : FILES) {
            if (Files.exists(blob(file))) {
                assertThat(blob(file)).hasBinaryContent(hub.content(file));
            }
            if (Files.exists(snapshot().resolve(file))) {
                assertThat(snapshot().resolve(file)).hasBinaryContent(hub.content(file));
            }
        }
        boolean whole = Files.exists(snapshot().resolve("config.json")); // which comes last
        for (String file : FILES) {
            assertThat(Files.exists(snapshot().resolve(file)) || !whole).as(file).isTrue();
        }
        boolean known = Files.exists(model().resolve("refs/main"));
        assertThat(whole || !known).as("a branch of what is not there").isTrue();
        assertThat(offline()).isEqualTo(known ? Optional.of(snapshot()) : Optional.empty());
    }

    /** Returns the ranges in which the hub must be asked for the files, from what is on the disk. */
    private Map<String, List<String>> rangesToAsk() throws IOException {
        Map<String, List<String>> ranges = new HashMap<>();
        for (String file : FILES) {
            long there = Files.exists(incomplete(file)) ? Files.size(incomplete(file)) : 0;
            boolean whole = Files.exists(blob(file)) || there == hub.content(file).length;
            ranges.put(TestHub.hash(hub.content(file)),
                    whole ? List.of() : List.of(there == 0 ? "all" : "bytes=" + there + "-"));
        }
        return ranges;
    }

    private Map<String, List<String>> rangesAsked() {
        Map<String, List<String>> ranges = new HashMap<>();
        for (String file : FILES) {
            ranges.put(TestHub.hash(hub.content(file)), hub.contentRequests(file).stream()
                    .map(request -> request.range() == null ? "all" : request.range()).toList());
        }
        return ranges;
    }

    private void assertRight() throws IOException {
        for (String file : FILES) {
            assertThat(snapshot().resolve(file)).hasBinaryContent(hub.content(file));
        }
        assertThat(offline()).contains(snapshot());
        assertThat(files(model().resolve("blobs"))).containsExactlyInAnyOrderElementsOf(
                FILES.stream().map(this::blob).distinct().toList());
        assertThat(model().resolve("refs/main")).hasContent(TestHub.COMMIT);
        List<Path> more = new ArrayList<>(files(snapshot()));
        more.removeAll(FILES.stream().map(snapshot()::resolve).toList());
        assertThat(more).as("a link that got no name").hasSizeLessThan(2).allMatch(Files::isSymbolicLink);
    }

    /** Locks of the system's, which go with the process; the files stay. */
    private void assertNothingIsLocked() throws IOException {
        List<Path> locks = files(cache().resolve(".locks"));
        for (Path file : locks) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                    FileLock lock = channel.tryLock()) {
                assertThat(lock).as(file.toString()).isNotNull();
            }
        }
    }

    private void killAndGoOn(Killed place) throws Exception {
        kill(place.approach.start(this));
        killed.countDown();
        assertNothingHalf();
        assertNothingIsLocked();
        Map<String, List<String>> toAsk = rangesToAsk();
        hub.requests.clear();
        HubProcessesTests.Run run = HubProcessesTests.end(HubProcessesTests.start(hub, home, List.of(), TestHub.ID));
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).doesNotContain("Waiting for", "anew");
        assertThat(run.out()).isEqualTo(snapshot() + System.lineSeparator());
        assertThat(rangesAsked()).isEqualTo(toAsk);
        assertRight();
        assertNothingHalf();
        assertNothingIsLocked();
    }

    @ParameterizedTest
    @EnumSource(names = { "IN_THE_MIDDLE", "BEFORE_A_CONTENT_HAS_ITS_NAME" })
    void whatIsKilledLeavesNothingHalfAndGoesOn(Killed place) throws Exception {
        killAndGoOn(place);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = { "IN_THE_MIDDLE", "BEFORE_A_CONTENT_HAS_ITS_NAME" })
    @Tag("long")
    void whereverItIsKilled(Killed place) throws Exception {
        killAndGoOn(place);
    }
}
