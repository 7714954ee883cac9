// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.operation.ChaiDriftGuards;
import io.github.chaijlama.operation.DriftFigures;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.schedule.Scheduler;

/** Which model answers here, and what it is doing. */
@RestController
@RequestMapping("/api")
class FiguresController {
    private final ChaiEngine engine;
    private final ObjectProvider<ChaiDriftGuards> guards;

    FiguresController(ChaiEngine engine, ObjectProvider<ChaiDriftGuards> guards) {
        this.engine = engine;
        this.guards = guards;
    }

    /**
     * What answers here.
     *
     * @param clusters   those of each layer, if its attention has any
     * @param canCluster whether a conversation can choose between clustered and exact attention
     */
    record Info(String model, long parameters, String attention, Optional<List<Integer>> clusters, boolean canCluster,
            String operators, int contextLength) {}

    @GetMapping("/info")
    Info info() {
        TokenModel model = engine.textModel().tokenModel();
        return new Info(engine.modelName(), model.numberOfParameters(), model.options().attention().name(),
                model.options().profile().map(ClusterProfile::clusters), model.options().profile().isPresent(),
                model.operators(), model.config().contextLength());
    }

    /**
     * What the model is doing now.
     *
     * @param running      requests that share its steps
     * @param waiting      requests that wait for that
     * @param kvCacheBytes memory held for keys and values, those included that are kept for later requests
     * @param kvCacheLimit the budget for them
     * @param drift        what comparing answers with exact attention has shown, where that is switched on
     */
    record Figures(int running, int waiting, long kvCacheBytes, long kvCacheLimit, Optional<Drift> drift) {}

    /**
     * How far clustered answers are from exact attention, of all browsers together.
     *
     * @param checked     answers that were compared
     * @param meanKl      mean divergence over the tokens of the last ones, nats; absent before the first
     * @param agreement   share of these tokens at which both expected the same most, 0 to 1; absent before the first
     * @param maxKl       the divergence beyond which the application warns; absent if it never does
     * @param secondsAgo  since the last comparison; absent before the first
     */
    record Drift(long checked, Optional<Double> meanKl, Optional<Double> agreement, Optional<Double> maxKl,
            Optional<Long> secondsAgo) {
        static Drift of(DriftFigures figures, Optional<Double> maxKl) {
            return new Drift(figures.checked(), number(figures.meanKl()), number(figures.agreement()), maxKl,
                    figures.lastChecked().map(then -> Duration.between(then, Instant.now()).toSeconds()));
        }

        private static Optional<Double> number(double value) {
            return Double.isNaN(value) ? Optional.empty() : Optional.of(value);
        }
    }

    /** Jlama's own attention knows none of this. */
    @GetMapping("/figures")
    Optional<Figures> figures() {
        TextModel model = engine.textModel();
        if (model.tokenModel().options().attention() == AttentionMode.STOCK) {
            return Optional.empty();
        }
        return Optional.of(new Figures(model.scheduler().map(Scheduler::running).orElse(0),
                model.scheduler().map(Scheduler::waiting).orElse(0), model.model().kvCacheAllocatedBytes(),
                model.tokenModel().options().kvCacheMaxBytes(), drift()));
    }

    private Optional<Drift> drift() {
        return Optional.ofNullable(guards.getIfAvailable())
                .flatMap(each -> Optional.ofNullable(each.figures().get(engine.modelName()))
                        .map(figures -> Drift.of(figures, each.maxKl(engine.modelName()))));
    }
}
