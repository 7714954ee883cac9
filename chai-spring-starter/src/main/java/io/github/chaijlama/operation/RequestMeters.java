// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

import io.github.chaijlama.generate.AnsweredRequest;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.generate.RequestListener;

/** Times the requests of one model for one registry: a few calls a request, none a token. Thread-safe. */
final class RequestMeters implements RequestListener {
    private final Map<Outcome, Timer> requests = new EnumMap<>(Outcome.class);
    private final Timer firstToken;
    private final Timer betweenTokens;

    /** Registers all timers at once, so that each is there with nothing before the first request. */
    RequestMeters(MeterRegistry registry, Tags tags) {
        for (Outcome outcome : Outcome.values()) {
            requests.put(outcome, Timer.builder("chai.requests").description("Requests by how they ended, from their "
                    + "coming to their end").tags(tags).tag("outcome", outcome.tag()).register(registry));
        }
        this.firstToken = Timer.builder("chai.time.to.first.token")
                .description("From the coming of a request to the first token of its answer").tags(tags)
                .register(registry);
        this.betweenTokens = Timer.builder("chai.time.between.tokens")
                .description("Mean time between two tokens of an answer, once for each answer").tags(tags)
                .register(registry);
    }

    @Override
    public void onFirstToken(Duration sinceStart) {
        firstToken.record(sinceStart);
    }

    @Override
    public void onAnswer(AnsweredRequest request) {
        GenerationResult result = request.result();
        timer(Outcome.of(result.finishReason())).record(result.duration());
        if (result.generatedTokens() > 1) {
            betweenTokens.record(
                    result.duration().minus(result.timeToFirstToken()).dividedBy(result.generatedTokens() - 1L));
        }
    }

    @Override
    public void onFailure(Throwable error, Duration sinceStart) {
        timer(Outcome.of(error)).record(sinceStart);
    }

    private Timer timer(Outcome outcome) {
        return Objects.requireNonNull(requests.get(outcome));
    }
}
