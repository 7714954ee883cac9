// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.cli.ChaiCommand;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code chai download} in processes of its own: killed at any place, and two at once. */
@Tag("alone")
@Timeout(600)
class HubProcessesTests {
    private static final String WEIGHTS = "model.safetensors";

    private final TestHub hub = TestHub.withModel();

    @TempDir
    private Path home;

    @AfterEach
    void stop() {
        hub.close();
    }

    /** How a process ended. */
    record Run(int exitCode, String out, String err) {}

    private Process start(String... args) throws IOException {
        return start(hub, home, List.of(), args);
    }

    /** Starts {@code chai download} with some arguments, and with some of its JVM's. */
    static Process start(TestHub hub, Path home, List<String> jvmArguments, String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC"));
        command.addAll(jvmArguments);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ChaiCommand.class.getName(),
                "download"));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("HF_") || name.startsWith("HUGGING"));
        builder.environment().put("HF_HOME", home.toString());
        builder.environment().put("HF_ENDPOINT", hub.endpoint());
        return builder.start();
    }

    /** Waits for the end of a process. */
    static Run end(Process process) throws IOException, InterruptedException {
        String out = new String(process.getInputStream().readAllBytes());
        String err = new String(process.getErrorStream().readAllBytes());
        assertThat(process.waitFor(300, TimeUnit.SECONDS)).isTrue();
        return new Run(process.exitValue(), out, err);
    }

    private Path model() {
        return home.resolve("hub/models--owner--model");
    }

    private void assertRight(Run run) throws IOException {
        assertThat(run.exitCode()).as(run.err()).isZero();
        Path snapshot = model().resolve("snapshots").resolve(TestHub.COMMIT);
        assertThat(run.out()).isEqualTo(snapshot + System.lineSeparator());
        for (String name : List.of("config.json", "tokenizer.json", WEIGHTS,
                "additional_chat_templates/tools.jinja")) {
            assertThat(snapshot.resolve(name)).hasBinaryContent(hub.content(name));
        }
        try (Stream<Path> blobs = Files.list(model().resolve("blobs"))) {
            assertThat(blobs).noneMatch(blob -> blob.toString().endsWith(".incomplete"));
        }
    }

    /**
     * Kills a download when a request has come, or when some bytes of its answer are on the disk. Nobody releases the
     * answer before: what is on the disk then is all there will be.
     */
    private void killAt(String file, int bytes) throws IOException, InterruptedException {
        CountDownLatch sent = new CountDownLatch(1);
        CountDownLatch killed = new CountDownLatch(1);
        hub.answer(file, (exchange, content) -> {
            int from = TestHub.from(exchange);
            if (bytes > 0) {
                TestHub.begin(exchange, content, from);
                exchange.getResponseBody().write(content, from, Math.max(0, bytes - from));
                exchange.getResponseBody().flush();
            }
            sent.countDown();
            await(killed);
        });
        if (!file.contains(WEIGHTS)) {
            hub.answer("resolve " + WEIGHTS, (_, _) -> await(killed)); // they must not be there before
        }
        Process process = start(TestHub.ID);
        try {
            assertThat(sent.await(300, TimeUnit.SECONDS)).isTrue();
            if (file.equals(WEIGHTS)) {
                awaitOnDisk(bytes);
            }
        } finally {
            process.destroyForcibly(); // kill -9
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            killed.countDown();
            hub.answerAsUsual();
        }
        assertThat(model().resolve("snapshots")).as("half a model").doesNotExist();
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(300, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private Path incomplete() {
        return model().resolve("blobs").resolve(TestHub.hash(hub.content(WEIGHTS)) + ".incomplete");
    }

    private void awaitOnDisk(int bytes) throws IOException, InterruptedException {
        while (!Files.exists(incomplete()) || Files.size(incomplete()) < bytes) {
            Thread.sleep(5);
        }
    }

    @Test
    @Tag("long")
    void aDownloadThatIsKilledTenTimesGoesOn() throws Exception {
        killAt("list", 0);
        killAt("resolve tokenizer.json", 0);
        killAt("tokenizer.json", 3);
        killAt("resolve " + WEIGHTS, 0);
        killAt(WEIGHTS, 1);
        killAt(WEIGHTS, 65_536);
        killAt(WEIGHTS, 65_537);
        killAt(WEIGHTS, 1_500_000);
        killAt(WEIGHTS, 2_999_000);
        killAt(WEIGHTS, 2_999_999);
        assertThat(incomplete()).hasSize(2_999_999);
        hub.requests.clear();
        assertRight(end(start(TestHub.ID)));
        assertThat(hub.contentRequests(WEIGHTS)).extracting(TestHub.Request::range)
                .containsExactly("bytes=2999999-");
    }

    /** The second one waits for the first, and finds everything. */
    @Test
    void twoProcessesDownloadOnce() throws Exception {
        CountDownLatch secondWaits = new CountDownLatch(1);
        hub.answer(WEIGHTS, (exchange, content) -> {
            await(secondWaits);
            TestHub.usual(exchange, content);
        });
        Process first = start(TestHub.ID);
        while (hub.contentRequests(WEIGHTS).isEmpty()) {
            Thread.sleep(20);
        }
        Process second = start(TestHub.ID);
        StringBuilder err = new StringBuilder();
        while (err.indexOf("Waiting for model.safetensors, which somebody else is downloading") < 0) {
            int read = second.getErrorStream().read();
            assertThat(read).as("ended: " + err).isNotNegative();
            err.append((char) read);
        }
        secondWaits.countDown();
        assertRight(end(first));
        assertRight(end(second));
        assertThat(hub.contentRequests(WEIGHTS)).hasSize(1);
    }

    @Test
    void theDirectoryIsPrintedAndNothingElse() throws Exception {
        Run run = end(start(TestHub.ID, "--json", "--revision", "main"));
        assertThat(run.err()).contains("Downloading owner/model to " + model() + ": 6 files, 3.0 MB")
                .contains("Downloaded owner/model: 3.0 MB in ");
        assertThat(run.out()).isEqualTo("{\"directory\":\"" + model().resolve("snapshots").resolve(TestHub.COMMIT)
                + "\",\"commit\":\"" + TestHub.COMMIT + "\"}" + System.lineSeparator());
    }

    @Test
    void whatGoesWrongIsASentence() throws Exception {
        Run missing = end(start("owner/other"));
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).startsWith("chai: " + hub.endpoint() + " has no owner/other at revision 'main'")
                .doesNotContain("\tat ").hasLineCount(1);
        assertThat(missing.out()).isEmpty();
    }
}
