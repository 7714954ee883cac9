// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import dev.langchain4j.model.TokenCountEstimator;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

import io.github.chaijlama.langchain4j.ChaiEngine;

/** Starts the sample. */
@SpringBootApplication
@EnableConfigurationProperties(Conversations.Settings.class)
public class SampleApplication {
    /** The share of the context that a question and the memory may fill; the rest is for the answer. */
    private static final double MEMORY_SHARE = 0.6;

    /** Runs the application. */
    public static void main(String[] args) {
        SpringApplication.run(SampleApplication.class, args);
    }

    @Bean
    Conversations conversations(ChaiEngine engine, TokenCountEstimator tokens, Conversations.Settings settings) {
        int contextLength = engine.textModel().tokenModel().config().contextLength();
        return new Conversations((int) (contextLength * MEMORY_SHARE), tokens, settings);
    }
}
