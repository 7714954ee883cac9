// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** The jar as users start it. Its model is inside, so this is the longest way a model can take. */
class SampleJarIT {
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");
    private static final Pattern COPY = Pattern.compile("Copying the model classpath:models/pocket to (\\S+):");

    private final CompletableFuture<Integer> port = new CompletableFuture<>();
    private final CompletableFuture<Path> copy = new CompletableFuture<>();
    private Process process;

    @BeforeEach
    void start() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-jar", jar().toString(),
                "--server.port=0", "--sample.conversations.store=memory").redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
        process = builder.start();
        Thread.ofPlatform().daemon().start(this::readLog);
    }

    static Path jar() throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of("target"), "sample-app-*.jar")) {
            List<Path> all = new ArrayList<>();
            jars.forEach(all::add);
            assertThat(all).as("the packaged application").hasSize(1);
            return all.getFirst();
        }
    }

    /** Reads the log until the application ends, so that it never waits for somebody to read it. */
    private void readLog() {
        StringBuilder log = new StringBuilder();
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                log.append(line).append('\n');
                Matcher copying = COPY.matcher(line);
                if (copying.find()) {
                    copy.complete(Path.of(copying.group(1)));
                }
                Matcher started = PORT.matcher(line);
                if (started.find()) {
                    port.complete(Integer.valueOf(started.group(1)));
                }
            }
        } catch (IOException e) {
            log.append(e);
        }
        IllegalStateException ended = new IllegalStateException("the application ended:\n" + log);
        copy.completeExceptionally(ended);
        port.completeExceptionally(ended);
    }

    @AfterEach
    void stop() {
        process.destroyForcibly();
    }

    @Test
    void startsChatsAndLeavesNothingBehind() throws Exception {
        URI chat = URI.create("http://localhost:" + port.get(120, TimeUnit.SECONDS) + "/api/chat");
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(HttpRequest.newBuilder(chat)
                    .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString("""
                            {"conversationId": "a", "message": "Tell me a story about a fox named Ruby."}""")).build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            JsonNode reply = new ObjectMapper().readTree(response.body());
            assertThat(reply.path("reply").stringValue()).contains("Ruby").contains("fox");
            assertThat(reply.path("attention").stringValue()).isEqualTo("CLUSTERED");
        }
        Path model = copy.get(10, TimeUnit.SECONDS);
        assertThat(model).isDirectoryContaining("glob:**.safetensors");
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ends in time").isTrue();
        if (process.supportsNormalTermination()) { // elsewhere the application is not asked
            assertThat(model).doesNotExist();
        }
    }
}
