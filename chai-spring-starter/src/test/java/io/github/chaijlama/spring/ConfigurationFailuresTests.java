// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/** What is said where an application cannot start, by the name of the property that must change. */
class ConfigurationFailuresTests {
    private static final String MODEL = "chai.model.path=" + Pocket.MODEL;
    private static final String PROFILE = "chai.profile=file:" + Pocket.PROFILE;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class));

    private static ChaiOptions options(ApplicationContext context) {
        return context.getBean(ChaiEngine.class).textModel().tokenModel().options();
    }

    /** Nobody need have a BLAS library; this module's tests have none on the class path. */
    @Test
    void saysWhatIsMissingWhereBlasIsAskedFor() {
        runner.withPropertyValues(MODEL, "chai.operators=blas").run(context -> {
            if (context.getStartupFailure() == null) {
                assertThat(options(context).operators()).isEqualTo(Operators.BLAS); // the system has one
                return;
            }
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("chai.operators").contains("there is no BLAS library");
            assertThat(analysis.getAction()).isEqualTo("Add the library, or set chai.operators to auto.");
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.threads=0                     | chai.threads                | 0      | Must be 1 to 1024.
            chai.threads=1025                  | chai.threads                | 1025   | Must be 1 to 1024.
            chai.kv-cache.max-memory=0B        | chai.kv-cache.max-memory    | 0B     | Must be more than 0.
            chai.scheduler.max-concurrent=0 | chai.scheduler.max-concurrent | 0 | Must be at least 1 request.
            chai.scheduler.max-waiting=-1 | chai.scheduler.max-waiting | -1 | Must be 0 or more.
            chai.scheduler.max-prompt-tokens=0 | chai.scheduler.max-prompt-tokens | 0 | Must be at least 1 token.
            chai.scheduler.time-limit=0s | chai.scheduler.time-limit | PT0S | Must be more than 0 and at most \
            36500 days.
            chai.scheduler.max-step-tokens=0 | chai.scheduler.max-step-tokens | 0 | Must be at least 1 token.
            chai.scheduler.max-slice-tokens=0 | chai.scheduler.max-slice-tokens | 0 | Must be at least 1 token.
            chai.kv-cache.max-idle-sequences=-1 | chai.kv-cache.max-idle-sequences | -1 | Must be 0 or more.
            chai.membership.window=0           | chai.membership.window      | 0      | Must be at least 1 token.
            chai.membership.offset=-1          | chai.membership.offset      | -1     | Must be 0 tokens or more.
            chai.chat.temperature=-0.5         | chai.chat.temperature       | -0.5   | Must be 0 or more.
            chai.chat.top-p=0                  | chai.chat.top-p             | 0.0    | Must be above 0 and at most 1.
            chai.chat.top-p=1.5                | chai.chat.top-p             | 1.5    | Must be above 0 and at most 1.
            chai.chat.top-k=0                  | chai.chat.top-k             | 0      | Must be at least 1 token.
            chai.chat.frequency-penalty=3      | chai.chat.frequency-penalty | 3.0    | Must be from -2 to 2.
            chai.chat.presence-penalty=-2.5    | chai.chat.presence-penalty  | -2.5   | Must be from -2 to 2.
            chai.chat.max-output-tokens=0      | chai.chat.max-output-tokens | 0      | Must be at least 1 token.
            chai.membership.window=9 | chai.membership.window | 9 | Decides which heads belong together, which the \
            profile has decided for every sequence (STATIC).
            chai.membership.algorithm=kmeans | chai.membership.algorithm | KMEANS | Decides which heads belong \
            together, which the profile has decided for every sequence (STATIC).
            """)
    void impossibleValuesNameTheirProperty(String property, String name, String value, String reason) {
        runner.withPropertyValues(MODEL, PROFILE, property).run(context -> {
            Throwable failure = context.getStartupFailure();
            while (!(failure instanceof InvalidConfigurationPropertyValueException invalid)) {
                assertThat(failure).as("a cause that names the property").isNotNull();
                failure = failure.getCause();
            }
            assertThat(invalid.getName()).isEqualTo(name);
            assertThat(invalid.getValue()).hasToString(value);
            assertThat(invalid.getReason()).isEqualTo(reason);
        });
    }

    @ParameterizedTest
    @CsvSource({ "chai.operators=jlama, operators", "chai.attention=stock, layers" })
    void jlamaCannotMultiplyWithEightBits(String property, String reason) {
        runner.withPropertyValues(MODEL, "chai.model.weights=q8", property)
                .run(context -> assertThat(context.getStartupFailure()).rootCause()
                        .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, invalid -> {
                            assertThat(invalid.getName()).isEqualTo("chai.model.weights");
                            assertThat(invalid.getValue()).isEqualTo(WeightType.Q8);
                            assertThat(invalid.getReason()).contains("Jlama's").contains(reason);
                        }));
    }

    @Test
    void jlamasOwnAttentionStoresKeysAndValuesItsOwnWay() {
        runner.withPropertyValues(MODEL, "chai.attention=stock", "chai.kv-cache.type=bf16")
                .run(context -> assertThat(context.getStartupFailure()).rootCause()
                        .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, invalid -> {
                            assertThat(invalid.getName()).isEqualTo("chai.kv-cache.type");
                            assertThat(invalid.getValue()).isEqualTo(KvType.BF16);
                            assertThat(invalid.getReason()).contains("Jlama's own attention").contains("f32");
                        }));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.enabled=true | neither chai.model.path nor chai.model.repository is set | Set chai.model.path
            chai.model.path=nowhere | model directory nowhere does not exist | Correct chai.model.path
            chai.model.path=classpath:nowhere | there is no such directory with a config.json | Correct chai.model.path
            chai.model.path=src | config.json does not exist | Correct chai.model.path
            MODEL chai.attention=clustered | chai.attention is clustered, but chai.profile is not set and \
            chai.calibration.mode is off | Set chai.profile to a cluster profile of this model, or \
            chai.calibration.mode to if-missing
            MODEL chai.profile=file:nowhere.json   | nowhere.json] does not exist                     | Set chai.profile
            MODEL chai.profile=file:pom.xml        | is not JSON                                      | Set chai.profile
            MODEL chai.profile=nowhere.json        | nowhere.json] does not exist                     | Set chai.profile
            MODEL chai.kv-cache.max-memory=1 | do not fit into chai.kv-cache.max-memory | Raise chai.kv-cache.max-memory
            """)
    void failuresSayWhatToDo(String properties, String description, String action) {
        runner.withPropertyValues(properties.replace("MODEL", MODEL).replace("PROFILE", PROFILE).split(" "))
                .run(context -> {
                    FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
                    assertThat(analysis).isNotNull();
                    assertThat(analysis.getDescription()).contains(description);
                    assertThat(analysis.getAction()).contains(action);
                });
    }

    @Test
    void aProfileOfAnotherModelNamesBothShapes(@TempDir Path directory) throws IOException {
        Path profile = Files.writeString(directory.resolve("other.json"), """
                {"format": "chai-profile/1", "clusters": [2], "membership": {"kind": "ONLINE"},
                 "model": {"type": "llama", "layers": 1, "heads": 4, "kvHeads": 4, "headSize": 8}}""");
        runner.withPropertyValues(MODEL, "chai.profile=file:" + profile).run(context -> {
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("1 layers, 4 heads").contains("6 layers, 8 heads");
            assertThat(analysis.getAction()).contains("chai.enabled to false");
        });
    }

    @Test
    void aMissingVectorModuleSaysHowToStartJava() {
        FailureAnalysis analysis = new ChaiFailureAnalyzer()
                .analyze(new IllegalStateException("bean", new MissingVectorModuleException()));
        assertThat(analysis.getDescription()).contains("without the module jdk.incubator.vector");
        assertThat(analysis.getAction()).contains("java --add-modules jdk.incubator.vector")
                .contains("JDK_JAVA_OPTIONS").contains("surefire");
    }

    @Test
    void otherFailuresAreNotOurs() {
        assertThat(new ChaiFailureAnalyzer().analyze(new IllegalStateException("x", new IOException("y")))).isNull();
    }
}
