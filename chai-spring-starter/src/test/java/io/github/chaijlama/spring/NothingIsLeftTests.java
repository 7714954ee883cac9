// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Contexts that come and go in one JVM, as a restart by devtools or a test's cache of contexts makes them: threads and
 * mapped files are as before, and the memory of keys and values is given back.
 */
@Isolated
@Timeout(120)
class NothingIsLeftTests {
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final String MODEL = "chai.model.path=" + Pocket.MODEL;
    private static final String[] NAMED = { "chai.models.first.path=" + Pocket.MODEL,
            "chai.models.second.path=" + Pocket.MODEL };

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class));

    /** What this JVM has that a model takes. */
    private record Held(List<Thread> threads, long mapped) {

        static Held now() {
            return new Held(
                    Thread.getAllStackTraces().keySet().stream().filter(each -> each.getName().startsWith("chai-"))
                            .toList(),
                    mappedFiles());
        }

        /** Returns the number of mappings of weights; 0 where only Linux would say. */
        private static long mappedFiles() {
            try (Stream<String> maps = Files.lines(MAPS)) {
                return maps.filter(line -> line.endsWith(".safetensors")).count();
            } catch (NoSuchFileException e) {
                return 0;
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        void assertIsAll() throws InterruptedException {
            Held after = now();
            Set<Thread> more = after.threads.stream().filter(each -> !threads.contains(each))
                    .collect(Collectors.toSet());
            for (Thread thread : more) {
                thread.join(30_000); // they end on their own time
                assertThat(thread.isAlive()).as(thread.getName()).isFalse();
            }
            assertThat(after.mapped).as("mapped files").isEqualTo(mapped);
        }

        void assertIsLessThanNow(Collection<ChaiEngine> engines) {
            Held now = now();
            engines.forEach(engine -> assertThat(budget(engine).takenBytes()).isPositive());
            assertThat(now.threads).hasSizeGreaterThan(threads.size());
            if (Files.exists(MAPS)) {
                assertThat(now.mapped).isGreaterThan(mapped);
            }
        }
    }

    private static KvBudget budget(ChaiEngine engine) {
        return engine.textModel().model().kvBudget();
    }

    /** Loads what stays in a JVM once it was used: libraries, and buffers of the JDK's own. */
    @BeforeAll
    static void warm() {
        new NothingIsLeftTests().runner.withPropertyValues(MODEL)
                .run(context -> assertThat(context.getBean(ChatModel.class).chat("Hello!")).isNotBlank());
    }

    @Test
    void contextsThatCloseLeaveNothing() throws InterruptedException {
        Held before = Held.now();
        List<ChaiEngine> engines = new ArrayList<>();
        for (int refresh = 0; refresh < 2; refresh++) {
            int from = engines.size();
            runner.withPropertyValues(MODEL).run(context -> {
                assertThat(context.getBean(ChatModel.class).chat("Hello!")).isNotBlank();
                engines.addAll(context.getBeansOfType(ChaiEngine.class).values());
                before.assertIsLessThanNow(engines.subList(from, engines.size()));
            });
            before.assertIsAll();
            engines.forEach(engine -> assertThat(budget(engine).takenBytes()).isZero());
        }
    }

    @Test
    void contextsOfSeveralModelsLeaveNothing() throws InterruptedException {
        Held before = Held.now();
        List<ChaiEngine> engines = new ArrayList<>();
        for (int refresh = 0; refresh < 2; refresh++) {
            int from = engines.size();
            runner.withPropertyValues(NAMED).run(context -> {
                for (ChatModel model : context.getBeansOfType(ChatModel.class).values()) {
                    assertThat(model.chat("Hello!")).isNotBlank();
                }
                engines.addAll(context.getBeansOfType(ChaiEngine.class).values());
                before.assertIsLessThanNow(engines.subList(from, engines.size()));
            });
            before.assertIsAll();
            engines.forEach(engine -> assertThat(budget(engine).takenBytes()).isZero());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Failing {
        @Bean
        Object failing(List<ChaiEngine> loaded) {
            throw new IllegalStateException("not this one, with " + loaded.size() + " models");
        }
    }

    @Test
    void aStartThatFailsOnceModelsAreLoadedLeavesNothing() throws InterruptedException {
        Held before = Held.now();
        List<String> models = new ArrayList<>(Arrays.asList(NAMED));
        models.add(MODEL);
        runner.withPropertyValues(models.toArray(String[]::new)).withUserConfiguration(Failing.class)
                .run(context -> assertThat(context).getFailure().hasMessageContaining("not this one, with 3 models"));
        before.assertIsAll();
    }

    @ParameterizedTest
    @ValueSource(strings = { "chai.models.second.path=nowhere", "chai.models.second.profile=nowhere.json",
            "chai.kv-cache.max-memory=1B", "chai.models.second.chat.temperature=-1",
            "chai.models.second.operators=blas" })
    void aStartThatFailsWithTheSecondModelLeavesNothing(String property) throws InterruptedException {
        Held before = Held.now();
        runner.withPropertyValues(NAMED).withPropertyValues(property).run(context -> {
            if (context.getStartupFailure() == null) {
                assertThat(property).as("the system has a library").contains("blas");
            }
        });
        before.assertIsAll();
    }
}
