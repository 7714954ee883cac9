// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.RetriableException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.LazyInitializationBeanFactoryPostProcessor;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.StoppingException;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.tiny.TinyApplication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What becomes of answers when an application stops. */
@Timeout(120)
class EngineLifecycleTests {
    private static final String STORY = "Tell me a story about a fox named Ruby.";
    private final List<ConfigurableApplicationContext> started = new ArrayList<>();

    private ConfigurableApplicationContext start(String... properties) {
        List<String> args = new ArrayList<>(List.of("--chai.model.path=" + Pocket.MODEL));
        args.addAll(List.of(properties));
        ConfigurableApplicationContext context = new SpringApplicationBuilder(TinyApplication.class)
                .web(WebApplicationType.NONE).run(args.toArray(String[]::new));
        started.add(context);
        return context;
    }

    @AfterEach
    void stop() {
        started.forEach(ConfigurableApplicationContext::close);
    }

    /** A reader who stops after the first text until it is told to go on. */
    private static final class Reader implements StreamingChatResponseHandler {
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        final CompletableFuture<ChatResponse> end = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String text) {
            begun.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            end.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            end.completeExceptionally(error);
        }
    }

    private static Reader reading(ConfigurableApplicationContext context) throws InterruptedException {
        Reader reader = new Reader();
        context.getBean(StreamingChatModel.class).chat(STORY, reader);
        assertThat(reader.begun.await(60, TimeUnit.SECONDS)).isTrue();
        return reader;
    }

    @Test
    void answersThatRunComeToTheirEndAndNewRequestsAreRefused() throws Exception {
        ConfigurableApplicationContext context = start();
        ChatModel model = context.getBean(ChatModel.class);
        String whole = model.chat(STORY);
        ChaiEngine engine = context.getBean(ChaiEngine.class);
        Reader reader = reading(context);
        Thread closing = Thread.ofPlatform().start(context::close);
        while (!engine.isRefusing()) {
            Thread.onSpinWait();
        }

        assertThatThrownBy(() -> model.chat("Hello!")).isInstanceOf(InternalServerException.class)
                .isInstanceOf(RetriableException.class).hasCauseInstanceOf(StoppingException.class)
                .hasMessageStartingWith("the model is stopping").hasMessageContaining("try again later");
        assertThat(closing.isAlive()).as("it waits for the answer").isTrue();
        reader.goOn.countDown();
        assertThat(reader.end.get(60, TimeUnit.SECONDS).aiMessage().text()).isEqualTo(whole);
        closing.join();
        assertThatThrownBy(() -> model.chat("Hello!")).hasMessage("the model is closed");
    }

    @Test
    void answersThatTakeLongerThanSpringWaitsEndWithAnError() throws Exception {
        ConfigurableApplicationContext context = start("--spring.lifecycle.timeout-per-shutdown-phase=20ms");
        Reader reader = reading(context);
        context.close();
        reader.goOn.countDown();
        assertThat(reader.end).failsWithin(60, TimeUnit.SECONDS).withThrowableThat()
                .withCauseInstanceOf(InternalServerException.class).withMessageContaining("the model is closed");
    }

    @Test
    void aContextThatIsStoppedAndStartedAnswersAgain() {
        ConfigurableApplicationContext context = start();
        ChatModel model = context.getBean(ChatModel.class);
        context.stop();
        assertThatThrownBy(() -> model.chat("Hello!")).hasCauseInstanceOf(StoppingException.class);
        context.start();
        assertThat(model.chat("Hello!")).isNotBlank();
    }

    @Test
    void anEngineThatNobodyHasNeededIsNotLoadedToBeStopped() {
        new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class))
                .withPropertyValues("chai.model.path=nowhere")
                .withInitializer(context -> context
                        .addBeanFactoryPostProcessor(new LazyInitializationBeanFactoryPostProcessor()))
                .run(context -> {
                    context.getSourceApplicationContext().stop();
                    assertThat(context.getBeanFactory().containsSingleton("chaiEngine")).isFalse();
                });
    }

    /** What Spring Boot's own lifecycles are at: the web server's graceful shutdown, and its stop. */
    @Test
    void enginesStopBetweenTheLastHttpRequestAndTheWebServer() {
        assertThat(EngineLifecycle.PHASE).isLessThan(SmartLifecycle.DEFAULT_PHASE - 1024)
                .isGreaterThan(SmartLifecycle.DEFAULT_PHASE - 2048);
    }
}
