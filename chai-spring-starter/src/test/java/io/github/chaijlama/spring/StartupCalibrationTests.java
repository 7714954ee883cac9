// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ContextConsumer;
import org.springframework.context.ApplicationContext;
import org.springframework.core.io.ClassPathResource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.safetensors.ModelFingerprint;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code chai.calibration}: a model without a profile gets one when the application starts. */
class StartupCalibrationTests {
    private static final String IF_MISSING = "chai.calibration.mode=if-missing";

    @TempDir
    private Path directory;

    private ApplicationContextRunner runner(String... properties) {
        return new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class))
                .withPropertyValues("chai.model.path=" + Pocket.MODEL, "chai.calibration.samples=4",
                        "chai.calibration.max-kl=0.05", "chai.calibration.profile-directory=" + profiles())
                .withPropertyValues(properties);
    }

    private Path profiles() {
        return directory.resolve("made").resolve("profiles");
    }

    private Path profile() {
        return profiles().resolve(StartupCalibration.fileName(ModelFingerprint.of(Pocket.MODEL), WeightType.STORED));
    }

    /** Returns what is logged. */
    private static String logOf(ApplicationContextRunner runner,
            ContextConsumer<AssertableApplicationContext> consumer) {
        try (Output output = new Output()) {
            runner.run(consumer);
            return output.text();
        }
    }

    private static ChaiOptions options(ApplicationContext context) {
        return context.getBean(ChaiEngine.class).textModel().tokenModel().options();
    }

    private static FailureAnalysis analysis(AssertableApplicationContext context) {
        assertThat(context).hasFailed();
        return new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
    }

    @Test
    void makesAProfileFromItsOwnTextsAndFindsItAgain() {
        String first = logOf(runner(IF_MISSING, "chai.kv-cache.type=i8"), context -> {
            assertThat(options(context).attention()).isEqualTo(AttentionMode.CLUSTERED);
            assertThat(options(context).profile()).contains(ClusterProfile.read(profile()));
            assertThat(options(context).kvCacheType()).isEqualTo(KvType.I8);
            assertThat(context.getBean(ChatModel.class).chat("Tell me a story.")).isNotEmpty();
        });
        assertThat(first).contains("Calibrating: ").contains("calibration-texts.txt").contains("Calibrated in ")
                .contains("clusters per layer").contains(profile().toString())
                .containsPattern("Answers looked at one by one, STRUCTURED: \\d+, 0 of them broken");
        assertThat(profiles().toFile().list()).containsExactly(profile().getFileName().toString());
        assertThat(profile().getFileName().toString())
                .isEqualTo(ModelFingerprint.of(Pocket.MODEL).replace(':', '-') + ".json");
        assertThat(ClusterProfile.read(profile()).membership()).isInstanceOf(Membership.Static.class);

        String second = logOf(runner(IF_MISSING),
                context -> assertThat(options(context).attention()).isEqualTo(AttentionMode.CLUSTERED));
        assertThat(second).contains("Profile of this model: " + profile()).doesNotContain("Calibrating")
                .doesNotContain("Calibrated");
    }

    @Test
    void calibratesAlwaysWhenToldToAndOnTheTextsItIsGiven() throws IOException {
        Path texts = Files.writeString(directory.resolve("texts.jsonl"),
                """
                        {"text": "Ruby was a cheerful fox. Ruby had a small house by the hill."}
                        nonsense
                        {"messages": [{"role": "user", "text": "Tell me a story."}, {"role": "assistant", "text": \
                        "Finn was an owl."}]}
                        {"text": "One cold morning, Finn went to the river. There Finn found a green whistle."}
                        {"text": "Then Rose the penguin came to help. They played until the evening."}
                        {"text": "Theo was a brave bear. Theo lived near the forest."}
                        {"text": "Daisy found a red kite in the garden. Daisy was very happy."}
                        {"text": "Jack the rabbit went to the market to buy bread."}
                        {"text": "Alice had a small boat. Every day Alice went to the lake."}
                        """);
        Files.createDirectories(profiles());
        Files.writeString(profile(), "old");

        String log = logOf(runner("chai.calibration.mode=always", "chai.calibration.texts=file:" + texts),
                context -> assertThat(options(context).profile()).contains(ClusterProfile.read(profile())));
        assertThat(log).contains("Skipped texts.jsonl, line 2").contains("8 texts of texts.jsonl")
                .contains("Calibrated in ");
    }

    @Test
    void savesWhatItIsToldToAndLeavesTheGuardOfAnswersOut() throws IOException {
        String log = logOf(runner(IF_MISSING, "chai.calibration.save=time", "chai.calibration.answer-guard=false",
                "chai.calibration.max-tokens=40"),
                context -> assertThat(options(context).profile()).contains(ClusterProfile.read(profile())));
        assertThat(log).contains("a divergence of at most 0.05000 nats per token, saving time")
                .contains("Calibrated in ")
                .doesNotContain("Answers looked at one by one").doesNotContain("answers of exact attention");
        JsonNode made = new ObjectMapper().readTree(profile().toFile()).path("calibration");
        assertThat(made.path("loss").path("scoreSaving").doubleValue()).isPositive();
        assertThat(made.path("loss").path("answers")).isEmpty();
    }

    @Test
    void aGivenProfileIsUsedAndNothingIsMade() {
        runner(IF_MISSING, "chai.profile=" + Pocket.PROFILE).run(context -> assertThat(options(context).profile())
                .contains(ClusterProfile.read(Pocket.PROFILE)));
        assertThat(profiles()).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({ "chai.enabled=false", "chai.attention=exact", "chai.attention=stock" })
    void attentionWithoutClustersNeedsNoProfile(String property) {
        runner(IF_MISSING, property).run(
                context -> assertThat(options(context).attention()).isNotEqualTo(AttentionMode.CLUSTERED));
        assertThat(profiles()).doesNotExist();
    }

    @Test
    void sequencesFindTheirOwnClustersWhereMembershipIsSet() {
        runner(IF_MISSING, "chai.membership.window=7").run(context -> {
            assertThat(options(context).profile().orElseThrow().membership()).isInstanceOfSatisfying(
                    Membership.Online.class,
                    online -> assertThat(online.window()).isEqualTo(7));
            assertThat(ClusterProfile.read(profile()).membership()).isInstanceOf(Membership.Online.class);
        });
    }

    @Test
    void quantizedWeightsHaveAProfileOfTheirOwn() {
        assertThat(StartupCalibration.fileName("sha256:ab", WeightType.STORED)).isEqualTo("sha256-ab.json");
        assertThat(StartupCalibration.fileName("sha256:ab", WeightType.Q4)).isEqualTo("sha256-ab-q4.json");
        assertThat(StartupCalibration.fileName("sha256:ab", WeightType.Q8)).isEqualTo("sha256-ab-q8.json");
    }

    @Test
    void theTextsOfTheStarterAreEnoughAndNoneOfThemIsBad() throws IOException {
        try (TextModel model = TextModel.load(Pocket.MODEL, ChaiOptions.exact())) {
            TextSet texts = TextSet.read(
                    new ClassPathResource("calibration-texts.txt", StartupCalibration.class).getInputStream(),
                    "calibration-texts.txt", TextFormat.AUTO, model, ReadLimits.ofTokens(1024), bad -> {
                        throw new AssertionError(bad);
                    });
            assertThat(texts.texts()).hasSizeGreaterThan(48).allMatch(text -> text.length > 32);
        }
    }

    // ---- what can be wrong ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.calibration.samples=0                       | chai.calibration.samples    | Must be at least 1 text.
            chai.calibration.max-tokens=1                    | chai.calibration.max-tokens | Must be at least 2 tokens.
            chai.calibration.max-kl=0 | chai.calibration.max-kl | Must be more than 0 nats per token.
            chai.calibration.max-perplexity-increase=1% | chai.calibration.max-kl | Is one way to bound the loss, \
            chai.calibration.max-perplexity-increase is another: set one of them.
            chai.calibration.max-perplexity-increase=much | chai.calibration.max-perplexity-increase | Must be a share \
            above 0, like 1% or 0.01.
            chai.calibration.max-perplexity-increase=0% | chai.calibration.max-perplexity-increase | Must be a share \
            above 0, like 1% or 0.01.
            """)
    void impossibleValuesNameTheirProperty(String property, String name, String reason) {
        runner(IF_MISSING, property).run(context -> assertThat(context.getStartupFailure()).rootCause()
                .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, invalid -> {
                    assertThat(invalid.getName()).isEqualTo(name);
                    assertThat(invalid.getReason()).isEqualTo(reason);
                }));
        assertThat(profiles()).doesNotExist();
    }

    @Test
    void aProfileThatWouldNeverBeUsedIsRefused() {
        runner("chai.calibration.mode=always", "chai.profile=" + Pocket.PROFILE)
                .run(context -> assertThat(context.getStartupFailure()).rootCause()
                        .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class,
                                invalid -> assertThat(invalid.getName()).isEqualTo("chai.calibration.mode")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nowhere.jsonl | nowhere.jsonl] does not exist  | Correct chai.calibration.texts
            empty.jsonl   | empty.jsonl is empty           | Correct chai.calibration.texts
            one.jsonl     | needs at least 4 texts, found 1 | Correct chai.calibration, set chai.profile
            short.jsonl   | texts are too short            | Correct chai.calibration, set chai.profile
            """)
    void textsThatCannotBeUsedSaySo(String name, String description, String action) throws IOException {
        Files.writeString(directory.resolve("empty.jsonl"), "");
        Files.writeString(directory.resolve("one.jsonl"), "{\"text\": \"Finn was an owl.\"}\n");
        Files.writeString(directory.resolve("short.jsonl"), "{\"text\": \"Finn was an owl.\"}\n".repeat(8));
        runner(IF_MISSING, "chai.membership.window=60", "chai.calibration.texts=" + directory.resolve(name))
                .run(context -> {
                    assertThat(analysis(context).getDescription()).startsWith("There is no profile of this model")
                            .contains(description);
                    assertThat(analysis(context).getAction()).startsWith(action);
                });
        assertThat(profile()).doesNotExist();
    }

    @Test
    void aBrokenProfileInTheDirectoryIsNamed() throws IOException {
        Files.createDirectories(profiles());
        Files.writeString(profile(), "{");
        runner(IF_MISSING).run(context -> {
            assertThat(analysis(context).getDescription()).contains(profile().toString()).contains("is not JSON");
            assertThat(analysis(context).getAction()).contains("Delete the file");
        });
    }

    @Test
    void keysAndValuesThatDoNotFitNameTheirProperty() {
        runner(IF_MISSING, "chai.kv-cache.max-memory=200KB").run(
                context -> assertThat(analysis(context).getAction()).contains("Raise chai.kv-cache.max-memory"));
    }

    @Test
    void aDirectoryThatCannotBeMadeIsSaidBeforeTheWork() throws IOException {
        Files.writeString(directory.resolve("made"), "a file");
        String log = logOf(runner(IF_MISSING), context -> {
            assertThat(analysis(context).getDescription()).contains("no profile can be written to " + profiles());
            assertThat(analysis(context).getAction()).contains("chai.calibration.profile-directory");
        });
        assertThat(log).doesNotContain("Calibrating");
    }

    @Test
    void aFullOrReadOnlyDirectoryIsSaidBeforeTheWork() throws Exception {
        Files.createDirectories(profiles());
        assertRefused("size=8k", "No space left on device");
        assertRefused("ro", "Read-only file system");
    }

    private void assertRefused(String mountOption, String reason) throws Exception {
        Assumptions.assumeTrue(
                run("mount", "-t", "tmpfs", "-o", mountOption, "tmpfs", profiles().toString()),
                "a file system cannot be mounted here (Linux and root are needed): test skipped");
        try {
            String log = logOf(runner(IF_MISSING), context -> {
                assertThat(analysis(context).getDescription())
                        .contains("no profile can be written to " + profiles() + ": " + reason);
                assertThat(analysis(context).getAction()).contains("chai.calibration.profile-directory");
            });
            assertThat(log).doesNotContain("Calibrating");
            assertThat(profiles()).isEmptyDirectory();
        } finally {
            assertThat(run("umount", profiles().toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(List.of(command)).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException _) {
            return false; // there is no such command
        }
    }
}
