// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.tiny.TinyApplication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A model by its name on the hub. The plugin's own tests have everything that can go wrong on the way. */
@Timeout(300)
class ModelRepositoryTests {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String REPOSITORY = "chai.model.repository=someone/pocket";

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private HttpServer hub;

    @TempDir
    private Path home;

    /** A hub that has Pocket. */
    @BeforeEach
    void start() throws IOException {
        hub = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hub.createContext("/", exchange -> {
            try (exchange) {
                String path = exchange.getRequestURI().getPath();
                requests.add(path);
                String files = "/someone/pocket/resolve/" + COMMIT + "/";
                if (path.equals("/api/models/someone/pocket/revision/main")) {
                    send(exchange, listing().getBytes(StandardCharsets.UTF_8));
                } else if (path.startsWith(files)) {
                    send(exchange, Files.readAllBytes(Pocket.MODEL.resolve(path.substring(files.length()))));
                } else {
                    exchange.sendResponseHeaders(404, -1);
                }
            }
        });
        hub.start();
    }

    @AfterEach
    void stop() {
        hub.stop(0);
    }

    private static void send(HttpExchange exchange, byte[] content) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content);
    }

    private static String listing() throws IOException {
        try (Stream<Path> files = Files.list(Pocket.MODEL)) {
            return files.map(file -> {
                try {
                    byte[] content = Files.readAllBytes(file);
                    return "{\"rfilename\": \"%s\", \"size\": %d, \"lfs\": {\"sha256\": \"%s\", \"size\": %d}}"
                            .formatted(
                                    file.getFileName(), content.length, HexFormat.of().formatHex(
                                            MessageDigest.getInstance("SHA-256").digest(content)),
                                    content.length);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }).collect(Collectors.joining(",", "{\"sha\": \"" + COMMIT + "\", \"siblings\": [", "]}"));
        }
    }

    private ApplicationContextRunner runner(String... properties) {
        return new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class))
                .withPropertyValues("HF_HOME=" + home, "HF_ENDPOINT=" + endpoint(), "HF_HUB_CACHE=", "HF_TOKEN=")
                .withPropertyValues(properties);
    }

    private String endpoint() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    @Test
    void aModelIsDownloadedAndAnswersUnderItsName() {
        runner(REPOSITORY).run(context -> {
            assertThat(context.getBean(ChatModel.class).chat(Pocket.QUESTION)).contains("river");
            assertThat(context.getBean(ChatModel.class).defaultRequestParameters().modelName())
                    .isEqualTo("someone/pocket");
        });
        assertThat(home.resolve("hub/models--someone--pocket/snapshots/" + COMMIT + "/config.json")).exists();
        assertThat(requests).noneMatch(path -> path.endsWith("README.md"));
    }

    @Test
    void theNameInRequestsMayBeAnother() {
        runner(REPOSITORY, "chai.model.name=little", "chai.model.revision=main").run(
                context -> assertThat(context.getBean(ChatModel.class).defaultRequestParameters().modelName())
                        .isEqualTo("little"));
    }

    @Test
    void theSecondStartNeedsNoHub() {
        runner(REPOSITORY).run(context -> assertThat(context).hasNotFailed());
        requests.clear();
        runner(REPOSITORY, "HF_HUB_OFFLINE=1").run(context -> assertThat(context).hasNotFailed());
        assertThat(requests).isEmpty();
        stop();
        runner(REPOSITORY).run(context -> assertThat(context).hasNotFailed());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.model.path=x chai.model.repository=a/b | chai.model.repository | a/b | Is one way to say which model, \
            chai.model.path is another: set one of them.
            chai.model.path=x chai.model.revision=v1 | chai.model.revision | v1 | Is the version of \
            chai.model.repository, which is not set.
            chai.model.repository=gpt2 | chai.model.repository | gpt2 | Expected owner/name of a model, like \
            Qwen/Qwen2.5-0.5B-Instruct, found 'gpt2'.
            chai.model.repository=a/b chai.model.revision=../x | chai.model.revision | ../x | Expected the name of a \
            branch or a tag, or a commit, found '../x'.
            """)
    void impossibleValuesAreRefusedBeforeAnybodyIsAsked(String properties, String name, String value, String reason) {
        runner(properties.split(" ")).run(context -> assertThat(context.getStartupFailure()).rootCause()
                .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, invalid -> {
                    assertThat(invalid.getName()).isEqualTo(name);
                    assertThat(invalid.getValue()).isEqualTo(value);
                    assertThat(invalid.getReason()).isEqualTo(reason);
                }));
        assertThat(requests).isEmpty();
    }

    @Test
    void otherMistakesAreFoundBeforeTheDownload() {
        runner(REPOSITORY, "chai.threads=0").run(context -> assertThat(context).hasFailed());
        assertThat(requests).isEmpty();
    }

    @Test
    void aModelThatIsNotThereIsAnalyzed() {
        runner("chai.model.repository=someone/other").run(context -> {
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).isEqualTo("The model that chai.model.repository names cannot be had: "
                    + endpoint() + " has no someone/other at revision 'main', or not for everybody: " + endpoint()
                    + " answered 404.");
            assertThat(analysis.getAction()).isEqualTo("Check the model's name and its revision; if it is private, set "
                    + "HF_TOKEN to a token that may read it.");
        });
    }

    @Test
    void progressIsLogged() {
        try (Output output = new Output()) {
            SpringApplication.run(TinyApplication.class, "--" + REPOSITORY, "--HF_HOME=" + home,
                    "--HF_ENDPOINT=" + endpoint()).close();
            assertThat(output.text()).contains("Downloading someone/pocket to ")
                    .containsPattern("Downloaded someone/pocket: [\\d.]+ MB in \\d+ s, [\\d.]+ .B/s")
                    .contains("Model someone/pocket is commit " + COMMIT);
        }
    }

    @Test
    void aFailureIsPrintedWithWhatToDo() {
        try (Output output = new Output()) {
            assertThatThrownBy(() -> SpringApplication.run(TinyApplication.class, "--chai.model.repository=a/b",
                    "--HF_HOME=" + home, "--HF_ENDPOINT=" + endpoint()));
            assertThat(output.text()).contains("APPLICATION FAILED TO START")
                    .contains("Action:\n\nCheck the model's name and its revision").doesNotContain("\tat ");
        }
    }
}
