// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Transfers that break, and servers that send something else. */
@Tag("alone")
@Timeout(300)
class HubTransferTests {
    private static final String WEIGHTS = "model.safetensors";

    private final TestHub hub = TestHub.withModel();
    private final byte[] weights = hub.content(WEIGHTS);
    private final List<String> lines = new ArrayList<>();

    @TempDir
    private Path cache;

    @AfterEach
    void stop() {
        hub.close();
    }

    private Path download(HubTimes times) {
        return new HubModels(hub.settings(cache), times, new SnapshotLinks(SnapshotLinks.ALL))
                .download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add).directory();
    }

    private void assertRight(Path directory) {
        assertThat(directory.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(incomplete()).doesNotExist();
    }

    private Path incomplete() {
        return cache.resolve("models--owner--model/blobs/" + TestHub.hash(weights) + ".incomplete");
    }

    private List<String> ranges() {
        return hub.contentRequests(WEIGHTS).stream().map(request -> String.valueOf(request.range())).toList();
    }

    private int firstByte(int request) {
        return Integer.parseInt(ranges().get(request).replaceAll("\\D", ""));
    }

    private void assertFails(HubTimes times, String... message) {
        assertThatThrownBy(() -> download(times)).isInstanceOf(HubException.class).message().contains(message)
                .endsWith(".").doesNotContain("Exception", "secret");
        assertThat(cache.resolve("models--owner--model/snapshots")).doesNotExist();
    }

    @Test
    void aBrokenTransferGoesOnWhereItEnded() {
        hub.answer(WEIGHTS, TestHub.cutAfter(1_000_000), TestHub.cutAfter(500_000));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).hasSize(3).startsWith("null");
        // Java's client throws the last bytes before a break away, or not.
        assertThat(firstByte(1)).isBetween(900_000, 1_000_000);
        assertThat(firstByte(2)).isBetween(firstByte(1) + 400_000, firstByte(1) + 500_000);
        assertThat(lines).filteredOn(line -> line.contains("trying again")).hasSize(2)
                .allMatch(line -> line.startsWith("model.safetensors: the connection to http://localhost:"));
    }

    /** Attempts that bring something are not counted against a download. */
    @Test
    void aConnectionThatAlwaysBreaksStillBringsTheFile() {
        hub.put(WEIGHTS, TestHub.random(9_000_000, 11));
        byte[] large = hub.content(WEIGHTS);
        for (int i = 0; i < 7; i++) {
            hub.answer(WEIGHTS, TestHub.cutAfter(1_200_000));
        }
        assertThat(download(HubTestTimes.QUICK).resolve(WEIGHTS)).hasBinaryContent(large);
    }

    @Test
    void attemptsThatBringNothingAreBounded() throws IOException {
        for (int i = 0; i < 10; i++) {
            hub.answer(WEIGHTS, TestHub.cutAfter(10));
        }
        assertFails(HubTestTimes.QUICK, "model.safetensors could not be downloaded in 4 attempts: the connection to "
                + "http://localhost:", "Try again later: what has been downloaded is kept.");
        assertThat(incomplete()).hasBinaryContent(Arrays.copyOf(weights, (int) Files.size(incomplete())));
        assertThat(ranges()).hasSize(4);
    }

    @Test
    void anEarlierAttemptsFileIsGoneOnWith() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(weights, 2_000_000));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).containsExactly("bytes=2000000-");
    }

    @Test
    void anEarlierAttemptsWholeFileIsOnlyChecked() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), weights);
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = { 1_000, 3_000_000, 3_000_001, 4_000_000 })
    void anEarlierAttemptsDamagedFileIsDownloadedAnew(int length) throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), new byte[length]);
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).endsWith("null");
    }

    @Test
    void aServerThatKnowsNoRangesIsAskedForEverything() throws IOException {
        hub.storageKnowsRanges = false;
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(weights, 2_000_000));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).containsExactly("bytes=2000000-");
    }

    @Test
    void anotherRangeThanAskedForIsNotUsed() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(weights, 2_000_000));
        hub.answer(WEIGHTS, (exchange, content) -> {
            TestHub.begin(exchange, content, 1_999_999);
            exchange.getResponseBody().write(content, 1_999_999, content.length - 1_999_999);
        });
        assertRight(download(HubTestTimes.QUICK));
        assertThat(lines).anyMatch(line -> line.contains("sent another part than was asked for"));
    }

    @Test
    void aRefusedRangeIsNotAskedForAgain() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(weights, 2_000_000));
        hub.answer(WEIGHTS, TestHub.status(416));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).containsExactly("bytes=2000000-", "null");
    }

    @Test
    void aWrongContentIsRefusedAndNotKept() throws IOException {
        byte[] wrong = weights.clone();
        wrong[1_234_567] ^= 1;
        hub.answer(WEIGHTS, (exchange, _) -> TestHub.usual(exchange, wrong));
        assertFails(HubTestTimes.QUICK, "model.safetensors was downloaded with the wrong content: expected SHA-256 "
                + TestHub.hash(weights) + ", found SHA-256 " + TestHub.hash(wrong));
        assertThat(Files.size(incomplete())).isZero();
        assertRight(download(HubTestTimes.QUICK));
    }

    @Test
    void aWrongSmallFileIsRefused() {
        hub.answer("tokenizer.json", (exchange, _) -> TestHub.usual(exchange, "{\"c\": 2}".getBytes()));
        assertFails(HubTestTimes.QUICK, "tokenizer.json was downloaded with the wrong content: expected Git's SHA-1 "
                + TestHub.hash(hub.content("tokenizer.json")));
    }

    @Test
    void piecesThatDoNotFitAreDownloadedAnew() {
        byte[] wrong = weights.clone();
        wrong[100] ^= 1;
        hub.answer(WEIGHTS, (exchange, _) -> TestHub.cutAfter(1_000_000).send(exchange, wrong));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(ranges()).hasSize(3).startsWith("null").endsWith("null");
        assertThat(lines).contains("model.safetensors: the pieces of several attempts do not make the file; "
                + "downloading it anew");
    }

    @Test
    void aWrongSizeIsRefusedBeforeItIsDownloaded() {
        hub.answer(WEIGHTS, (exchange, _) -> TestHub.usual(exchange, TestHub.random(2_999_999, 1)));
        assertFails(HubTestTimes.QUICK,
                "model.safetensors has the wrong size: expected 3000000 bytes, found 2999999. Try again");
        assertThat(incomplete()).isEmptyFile();
    }

    @Test
    void aRangeOfAnotherFileIsRefused() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(weights, 2_000_000));
        hub.answer(WEIGHTS, (exchange, _) -> TestHub.usual(exchange, TestHub.random(3_500_000, 1)));
        assertFails(HubTestTimes.QUICK, "expected 3000000 bytes, found 3500000");
    }

    /** Without a length nobody knows before. */
    @Test
    void moreThanTheSizeIsNotWritten() {
        hub.answer(WEIGHTS, (exchange, content) -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(content);
            exchange.getResponseBody().write(content);
        });
        assertFails(HubTestTimes.QUICK, "expected 3000000 bytes, found more");
        assertThat(incomplete().toFile().length()).isLessThanOrEqualTo(3_000_000);
    }

    @Test
    void lessThanTheSizeIsABrokenTransfer() {
        hub.answer(WEIGHTS, (exchange, content) -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(content, 0, 1000);
            exchange.getResponseBody().close();
        });
        assertRight(download(HubTestTimes.QUICK));
        assertThat(lines).anyMatch(line -> line.contains("ended after 1000 of 3000000 bytes"));
    }

    @Test
    void anEncodedFileIsRefused() {
        hub.answer(WEIGHTS, TestHub.status(200, "Content-Encoding", "gzip"));
        assertFails(HubTestTimes.QUICK, "expected it as it is, http://localhost:", "sent it encoded as 'gzip'");
    }

    @Test
    void aHubThatContradictsItselfIsRefused() {
        hub.answer("resolve " + WEIGHTS, TestHub.status(302, "X-Linked-Etag", "\"" + "a".repeat(64) + "\"", "Location",
                hub.storageAddress() + "/" + TestHub.hash(weights)));
        assertFails(HubTestTimes.QUICK, "the hub's list of files says that model.safetensors has SHA-256 "
                + TestHub.hash(weights) + ", and the hub now says SHA-256 aaaa");
        hub.answer("resolve " + WEIGHTS, TestHub.status(302, "X-Linked-Size", "7", "Location",
                hub.storageAddress() + "/" + TestHub.hash(weights)));
        assertFails(HubTestTimes.QUICK, "expected 3000000 bytes, found 7");
    }

    @Test
    void aServerThatFallsSilentIsAskedAgain() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        hub.answer(WEIGHTS, (exchange, content) -> {
            TestHub.begin(exchange, content, 0);
            exchange.getResponseBody().write(content, 0, 2_000_000);
            exchange.getResponseBody().flush();
            await(done);
        });
        assertRight(download(HubTestTimes.IMPATIENT));
        assertThat(lines).anyMatch(line -> line.contains("sent nothing for 2 s; trying again"));
        done.countDown();
    }

    /** Nobody waits a minute for a file that is not needed any more; what has come of it stays. */
    @Test
    void aFailureEndsTheOtherTransfers() throws IOException {
        CountDownLatch done = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        hub.answer(WEIGHTS, (exchange, content) -> {
            TestHub.cutAfter(1_000_000).send(exchange, content);
            begun.countDown();
            await(done);
        });
        hub.answer("tokenizer.json", (exchange, _) -> {
            await(begun);
            while (Files.size(incomplete()) < 900_000) {
                Thread.onSpinWait();
            }
            TestHub.usual(exchange, "{\"c\": 2}".getBytes());
        });
        long start = System.nanoTime();
        assertFails(HubTestTimes.QUICK, "tokenizer.json was downloaded with the wrong content");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(HubTestTimes.QUICK.answer().dividedBy(2));
        assertThat(incomplete()).hasBinaryContent(Arrays.copyOf(weights, (int) Files.size(incomplete())));
        done.countDown();
    }

    @Test
    void whoIsInterruptedEnds() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        hub.answer(WEIGHTS, (exchange, content) -> {
            TestHub.cutAfter(1_000_000).send(exchange, content);
            begun.countDown();
            await(done);
        });
        List<Object> ended = new CopyOnWriteArrayList<>();
        Thread downloading = Thread.ofPlatform().start(() -> {
            try {
                download(HubTestTimes.QUICK);
            } catch (HubException e) {
                ended.addAll(List.of(e.getMessage(), Thread.currentThread().isInterrupted()));
            }
        });
        assertThat(begun.await(200, TimeUnit.SECONDS)).isTrue();
        downloading.interrupt();
        assertThat(downloading.join(Duration.ofSeconds(30))).isTrue();
        done.countDown();
        assertThat(ended).containsExactly("the download of owner/model was interrupted. Start again: what has been "
                + "downloaded is kept.", true);
    }

    @Test
    void aServerThatDoesNotAnswerIsGivenUp() {
        CountDownLatch done = new CountDownLatch(1);
        for (int i = 0; i < 5; i++) {
            hub.answer("list", (_, _) -> await(done));
        }
        assertFails(HubTestTimes.IMPATIENT, "owner/model could not be downloaded in 3 attempts: http://127.0.0.1:",
                "did not answer in 2 s");
        done.countDown();
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(200, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void troubleOfTheHubPasses() {
        hub.answer("list", TestHub.status(503), TestHub.status(500));
        hub.answer(WEIGHTS, TestHub.status(502), TestHub.status(504, "Retry-After", "0"), TestHub.status(408));
        assertRight(download(HubTestTimes.QUICK));
        assertThat(lines).anyMatch(line -> line.matches("owner/model: http://127.0.0.1:\\d+ answered 503; trying again "
                + "in 1 s"));
    }

    @Test
    void troubleThatDoesNotPassIsSaid() {
        for (int i = 0; i < 10; i++) {
            hub.answer("list", TestHub.status(503, "X-Error-Message", "We are moving"));
        }
        assertFails(HubTestTimes.QUICK, "could not be downloaded in 4 attempts: http://127.0.0.1:",
                "answered 503 (We are moving). Try again later");
        assertThat(hub.requests).hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = { "Retry-After: 1", "RateLimit: \"api\";r=0;t=0", "Retry-After: date" })
    void whoIsTooFastWaitsAsLongAsTheServerSays(String header) {
        String[] parts = header.split(": ");
        String value = parts[1].equals("date") ? DateTimeFormatter.RFC_1123_DATE_TIME
                .format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(2)) : parts[1];
        hub.answer(WEIGHTS, TestHub.status(429, parts[0], value));
        long start = System.nanoTime();
        assertRight(download(HubTestTimes.QUICK));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(900));
    }

    @Test
    void nobodyWaitsForHours() {
        hub.answer("list", TestHub.status(429, "Retry-After", "7300"));
        assertFails(HubTestTimes.QUICK, "answered 429, and asks to wait for 2 h 01 min. Try again after that");
    }

    @Test
    void aHubThatIsNotThereIsSaid() {
        hub.close();
        assertFails(HubTestTimes.QUICK, "cannot be reached: connection refused");
    }

    @Test
    void whatIsNoListIsSaid() {
        hub.answer("list", (exchange, _) -> TestHub.usual(exchange, "<html>Log in</html>".getBytes()));
        assertFails(HubTestTimes.QUICK, "expected a list of the files of owner/model as JSON, found something else",
                "Check HF_ENDPOINT, and whether a proxy answers in its place.");
        hub.answer("list", (exchange, _) -> TestHub.usual(exchange, "{\"sha\": \"../../x\"}".getBytes()));
        assertFails(HubTestTimes.QUICK, "with its commit as 'sha', found '../../x'");
    }

    @Test
    void redirectsEnd() {
        for (int i = 0; i < 10; i++) {
            hub.answer("resolve " + WEIGHTS,
                    TestHub.status(302, "Location", "/owner/model/resolve/" + TestHub.COMMIT + "/" + WEIGHTS));
        }
        assertFails(HubTestTimes.QUICK, "redirects more than 5 times");
    }

    @ParameterizedTest
    @ValueSource(strings = { "file:///etc/passwd", "ftp://localhost/x", "http:nowhere", "http://[bad" })
    void redirectsGoToWebServersOnly(String location) {
        hub.answer("resolve " + WEIGHTS, TestHub.status(302, "Location", location));
        assertFails(HubTestTimes.QUICK, "redirects to an address that is no http address, or not encrypted");
    }
}
