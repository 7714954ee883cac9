// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.List;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.SmartLifecycle;

import io.github.chaijlama.langchain4j.ChaiEngine;

/**
 * Lets answers that run come to their end when the application stops, and refuses new requests. Whatever brings
 * requests stops before this: executors and listeners, and a web server's graceful shutdown; the web server itself
 * stops after. Spring waits as long as {@code spring.lifecycle.timeout-per-shutdown-phase} says; answers that take
 * longer end with an error when their engine is closed.
 */
final class EngineLifecycle implements SmartLifecycle {
    /** A web server's graceful shutdown is at 1024 below the default, its stop at 2048. */
    static final int PHASE = DEFAULT_PHASE - 1024 - 512;
    private static final Logger logger = LoggerFactory.getLogger(EngineLifecycle.class);

    private final ConfigurableListableBeanFactory beans;
    private volatile boolean running;

    EngineLifecycle(ConfigurableListableBeanFactory beans) {
        this.beans = beans;
    }

    @Override
    public void start() {
        engines().forEach(ChaiEngine::acceptRequests);
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        engines().forEach(ChaiEngine::refuseRequests);
    }

    @Override
    public void stop(Runnable callback) {
        List<ChaiEngine> stopping = engines().toList();
        stop();
        int answers = stopping.stream().mapToInt(engine -> engine.textModel().gate().inside()).sum();
        if (answers == 0) {
            callback.run();
            return;
        }
        logger.info("Waiting for {} to come to {} end; new requests are refused",
                answers == 1 ? "1 answer" : answers + " answers", answers == 1 ? "its" : "their");
        Thread.ofPlatform().daemon().name("chai-shutdown").start(() -> {
            try {
                for (ChaiEngine engine : stopping) {
                    engine.awaitAnswers();
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            } finally {
                callback.run();
            }
        });
    }

    /** Returns the engines there are; one that nobody has needed is not loaded to be stopped. */
    private Stream<ChaiEngine> engines() {
        return Stream.of(beans.getBeanNamesForType(ChaiEngine.class, false, false)).filter(beans::containsSingleton)
                .map(name -> beans.getBean(name, ChaiEngine.class));
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
