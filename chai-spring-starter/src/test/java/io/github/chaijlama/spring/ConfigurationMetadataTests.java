// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** What an editor shows to somebody who types {@code chai.}. */
class ConfigurationMetadataTests {

    /** Returns this module's own properties; Spring Boot gives its endpoint two more. */
    private static List<JsonNode> properties() throws IOException, URISyntaxException {
        URI classes = ChaiProperties.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        String json = Files.readString(Path.of(classes).resolve("META-INF/spring-configuration-metadata.json"));
        return StreamSupport.stream(new ObjectMapper().readTree(json).path("properties").spliterator(), false)
                .filter(property -> property.path("name").asText().startsWith("chai.")).toList();
    }

    @Test
    void everyPropertyIsThere() throws Exception {
        assertThat(properties()).extracting(property -> property.path("name").asText()).containsExactlyInAnyOrder(
                "chai.enabled", "chai.attention", "chai.model.path", "chai.model.repository",
                "chai.model.revision", "chai.model.name", "chai.model.weights",
                "chai.profile", "chai.models",
                "chai.membership.window", "chai.membership.offset", "chai.membership.algorithm",
                "chai.membership.representative", "chai.kv-cache.max-memory", "chai.kv-cache.reuse",
                "chai.kv-cache.max-idle-sequences",
                "chai.kv-cache.type", "chai.threads", "chai.operators",
                "chai.health.max-step-time", "chai.drift.every", "chai.drift.max-tokens", "chai.drift.max-kl",
                "chai.calibration.mode",
                "chai.calibration.texts", "chai.calibration.samples", "chai.calibration.max-tokens",
                "chai.calibration.max-perplexity-increase", "chai.calibration.max-kl",
                "chai.calibration.save", "chai.calibration.answer-guard", "chai.calibration.profile-directory",
                "chai.scheduler.max-concurrent", "chai.scheduler.max-waiting", "chai.scheduler.max-prompt-tokens",
                "chai.scheduler.time-limit", "chai.scheduler.max-step-tokens", "chai.scheduler.max-slice-tokens",
                "chai.chat.temperature", "chai.chat.top-p", "chai.chat.top-k", "chai.chat.frequency-penalty",
                "chai.chat.presence-penalty", "chai.chat.max-output-tokens",
                "chai.chat.stop-sequences", "chai.chat.seed", "chai.model.generation-config",
                "chai.chat.repetition-penalty", "chai.chat.enable-thinking", "chai.chat.return-thinking",
                "chai.chat.send-thinking", "chai.chat.guess",
                "chai.openai.enabled", "chai.openai.api-key", "chai.openai.max-request-size",
                "chai.openai.keep-alive", "chai.openai.router-endpoints");
    }

    @Test
    void everyPropertyHasADescriptionAndAType() throws Exception {
        assertThat(properties()).isNotEmpty().allSatisfy(property -> {
            assertThat(property.path("description").asText()).as("description of %s", property).endsWith(".")
                    .hasSizeGreaterThan(20);
            assertThat(property.path("type").asText()).as("type of %s", property).isNotBlank();
        });
    }

    @Test
    void defaultsAreThoseOfTheProperties() throws Exception {
        assertThat(properties()).filteredOn(property -> property.has("defaultValue"))
                .extracting(property -> property.path("name").asText() + "="
                        + property.path("defaultValue").asText())
                .containsExactlyInAnyOrder("chai.enabled=true", "chai.kv-cache.reuse=true",
                        "chai.kv-cache.max-idle-sequences=8", "chai.model.weights=stored",
                        "chai.chat.frequency-penalty=0", "chai.chat.presence-penalty=0",
                        "chai.chat.return-thinking=false", "chai.chat.send-thinking=false",
                        "chai.chat.guess=false",
                        "chai.model.generation-config=true",
                        "chai.health.max-step-time=2m", "chai.drift.max-tokens=512",
                        "chai.calibration.mode=off", "chai.calibration.samples=128",
                        "chai.calibration.max-tokens=1024", "chai.calibration.save=memory",
                        "chai.calibration.answer-guard=true", "chai.kv-cache.type=f32", "chai.operators=auto",
                        "chai.scheduler.max-concurrent=16", "chai.scheduler.max-waiting=256",
                        "chai.scheduler.max-step-tokens=256", "chai.scheduler.max-slice-tokens=32",
                        "chai.openai.enabled=false", "chai.openai.max-request-size=4MB",
                        "chai.openai.keep-alive=10s", "chai.openai.router-endpoints=false");
    }

    @Test
    void defaultsOfTheSchedulerAreThoseOfTheLibrary() throws Exception {
        SchedulerLimits limits = SchedulerLimits.DEFAULT;
        assertThat(properties()).extracting(property -> property.path("name").asText() + "="
                + property.path("defaultValue").asText()).contains(
                        "chai.scheduler.max-concurrent=" + limits.maxConcurrent(),
                        "chai.scheduler.max-waiting=" + limits.maxWaiting(),
                        "chai.scheduler.max-step-tokens=" + limits.maxStepTokens(),
                        "chai.scheduler.max-slice-tokens=" + limits.maxSliceTokens());
    }

    @Test
    void defaultsOfCalibrationAreThoseOfTheLibrary() throws Exception {
        assertThat(properties()).extracting(property -> property.path("name").asText() + "="
                + property.path("defaultValue").asText()).contains(
                        "chai.calibration.samples=" + CalibrationOptions.DEFAULT_SAMPLES,
                        "chai.calibration.max-tokens=" + CalibrationOptions.DEFAULT_MAX_TOKENS);
    }
}
