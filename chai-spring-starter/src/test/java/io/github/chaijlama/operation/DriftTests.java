// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.EventListener;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** An application that checks its answers, on both lines of Spring Boot. */
@Tag("boot-lines")
@Timeout(180)
class DriftTests {

    @Configuration(proxyBeanMethods = false)
    static class Listener {
        private final List<ChaiDriftEvent> events = new CopyOnWriteArrayList<>();

        @EventListener
        void onDrift(ChaiDriftEvent event) {
            events.add(event);
        }
    }

    private static OperatedApplication start(Path profile, String bound) {
        return new OperatedApplication(List.of(Listener.class), "--chai.model.path=" + Pocket.MODEL,
                "--chai.profile=file:" + profile, "--chai.drift.every=1", "--chai.drift.max-tokens=64", bound);
    }

    private static void ask(OperatedApplication application, int requests) throws InterruptedException {
        ChaiDriftGuards guards = application.context().getBean(ChaiDriftGuards.class);
        for (int request = 1; request <= requests; request++) {
            application.context().getBean(ChatModel.class).chat(Pocket.QUESTION);
            while (guards.figures().get("pocket").checked() < request) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
        while (application.context().getBean(Listener.class).events.isEmpty() && hasBound(application)) {
            TimeUnit.MILLISECONDS.sleep(5); // it is counted before it is told
        }
    }

    private static boolean hasBound(OperatedApplication application) {
        return application.context().getEnvironment().getProperty("chai.drift.max-kl", "").endsWith("e-12");
    }

    @Test
    void saysSoOnceWhenTheMeanPassesItsBound() throws Exception {
        try (OperatedApplication application = start(Pocket.PROFILE, "--chai.drift.max-kl=1e-12")) {
            ask(application, 2);
            List<String> lines = application.scrape("/actuator/prometheus");
            DriftFigures figures = application.context().getBean(ChaiDriftGuards.class).figures().get("pocket");
            assertThat(lines).contains("chai_drift_checked_total{model=\"pocket\"} 2.0",
                    "chai_drift_dropped_total{model=\"pocket\"} 0.0",
                    "chai_drift_kl{model=\"pocket\"} " + figures.meanKl(),
                    "chai_drift_agreement{model=\"pocket\"} " + figures.agreement());
            assertThat(figures.meanKl()).isPositive();
            assertThat(figures.agreement()).isBetween(0.1, 1.0);
            assertThat(application.context().getBean(Listener.class).events).singleElement().satisfies(event -> {
                assertThat(event.modelName()).isEqualTo("pocket");
                assertThat(event.maxKl()).isEqualTo(1e-12);
                assertThat(event.meanKl()).isCloseTo(figures.meanKl(), within(1e-3));
                assertThat(event.agreement()).isBetween(0.1, 1.0);
            });
        }
    }

    @Test
    void theBoundIsTheProfilesUnlessThePropertySaysOtherwise(@TempDir Path directory) throws Exception {
        Path profile = directory.resolve("profile.json");
        ClusterProfile.read(Pocket.PROFILE).withMaxDivergence(1e-12).write(profile);
        try (OperatedApplication application = start(profile, "--chai.calibration.max-kl=20")) {
            ask(application, 1);
            while (events(application).isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(5); // it is counted before it is told
            }
            assertThat(events(application)).singleElement().extracting(ChaiDriftEvent::maxKl).isEqualTo(1e-12);
        }
        try (OperatedApplication application = start(profile, "--chai.drift.max-kl=20")) {
            ask(application, 1);
            assertThat(events(application)).isEmpty();
        }
    }

    private static List<ChaiDriftEvent> events(OperatedApplication application) {
        return application.context().getBean(Listener.class).events;
    }

    @Test
    void isQuietWithinTheBoundOfTheCalibration() throws Exception {
        try (OperatedApplication application = start(Pocket.PROFILE, "--chai.calibration.max-kl=20")) {
            ask(application, 1);
            assertThat(application.context().getBean(Listener.class).events).isEmpty();
        }
    }
}
