// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.springframework.boot.actuate.info.Info;
import org.springframework.boot.actuate.info.InfoContributor;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.model.ModelConfig;

/** Adds what models an application has to the actuator's {@code info}. */
final class ChaiInfoContributor implements InfoContributor {
    private final List<ChaiEngine> engines;

    ChaiInfoContributor(List<ChaiEngine> engines) {
        this.engines = List.copyOf(engines);
    }

    @Override
    public void contribute(Info.Builder builder) {
        Map<String, Object> models = new LinkedHashMap<>();
        engines.forEach(engine -> {
            ModelConfig config = engine.textModel().tokenModel().config();
            models.put(engine.modelName(), Map.of("family", config.modelType(), "context", config.contextLength(),
                    "attention", ModelReport.word(engine.textModel().defaultAttention())));
        });
        builder.withDetail("chai", models);
    }
}
