// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.annotation.DeleteOperation;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.Selector.Match;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.langchain4j.ChaiEngine;

/**
 * The actuator endpoint {@code chai}: what the models are and do, and the two things that can be changed while they
 * run. A model's name may have slashes, as those of the Hugging Face hub have.
 */
@Endpoint(id = "chai")
public final class ChaiEndpoint {
    private final List<ChaiEngine> engines;

    ChaiEndpoint(List<ChaiEngine> engines) {
        this.engines = List.copyOf(engines);
    }

    /** All models. */
    public record Models(List<ModelReport> models) {}

    /** Returns all models. */
    @ReadOperation
    public Models models() {
        return new Models(engines.stream().map(ModelReport::of).toList());
    }

    /** Returns one model, null if there is none of that name. */
    @ReadOperation
    public @Nullable ModelReport model(@Selector(match = Match.ALL_REMAINING) String... model) {
        String name = String.join("/", model);
        return engines.stream().filter(engine -> engine.modelName().equals(name)).findFirst().map(ModelReport::of)
                .orElse(null);
    }

    /**
     * Sets the attention of requests to come that name none.
     *
     * @throws InvalidEndpointRequestException if there is no such model, or it cannot run that attention
     */
    @WriteOperation
    public ModelReport attention(@Selector(match = Match.ALL_REMAINING) String[] model, AttentionMode attention) {
        ChaiEngine engine = engine(model);
        try {
            engine.textModel().setDefaultAttention(attention);
        } catch (IllegalArgumentException e) {
            throw new InvalidEndpointRequestException(e.getMessage(), e.getMessage(), e);
        }
        return ModelReport.of(engine);
    }

    /**
     * Returns the memory of all sequences that are kept for later requests.
     *
     * @throws InvalidEndpointRequestException if there is no such model
     */
    @DeleteOperation
    public ModelReport dropPrefixes(@Selector(match = Match.ALL_REMAINING) String... model) {
        ChaiEngine engine = engine(model);
        engine.textModel().closeIdleSequences();
        return ModelReport.of(engine);
    }

    private ChaiEngine engine(String... model) {
        String name = String.join("/", model);
        return engines.stream().filter(engine -> engine.modelName().equals(name)).findFirst().orElseThrow(() -> {
            String problem = "there is no model '" + name + "', found "
                    + engines.stream().map(ChaiEngine::modelName).toList();
            return new InvalidEndpointRequestException(problem, problem);
        });
    }
}
