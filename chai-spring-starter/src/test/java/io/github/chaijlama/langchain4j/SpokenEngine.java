// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.Sampler;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.SchedulerLimits;

/** Pocket that says what a test wants it to say; all but the choice of tokens is real. */
public final class SpokenEngine {

    /** Runs before a token is chosen, on the scheduler's thread. */
    public interface Pace {
        /** Waits, or fails. */
        void beforeToken(int number) throws InterruptedException;
    }

    /** A template in the manner of Qwen 3. */
    private static final String THINKING = "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>' }}"
            + "{% if m.reasoning_content %}{{ '<think>' + m.reasoning_content + '</think>' }}{% endif %}"
            + "{{ m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>"
            + "{% if enable_thinking is defined %}{{ '[' ~ enable_thinking ~ ']' }}{% endif %}{% endif %}";

    private final TextModel model;
    private final ChaiEngine engine;
    private final AtomicInteger tokens = new AtomicInteger();
    private volatile String text = "";
    private volatile boolean endless;
    private volatile Pace pace = number -> {};
    private volatile String prompt = "";
    private volatile SamplingOptions sampling = SamplingOptions.GREEDY;

    private SpokenEngine(Path directory, SchedulerLimits limits) {
        this.model = TextModel.load(directory, ChaiOptions.exact(), this::sampler, Optional.of(limits));
        this.engine = ChaiEngine.of(model, "pocket");
    }

    public static SpokenEngine load(SchedulerLimits limits) {
        return new SpokenEngine(Pocket.MODEL, limits);
    }

    /**
     * Loads a model that thinks before it answers.
     *
     * @param directory gets its files
     */
    public static SpokenEngine thinking(Path directory) {
        try {
            for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
                Files.copy(Pocket.MODEL.resolve(file), directory.resolve(file));
            }
            ObjectNode config = new ObjectMapper().createObjectNode().put("bos_token", "<|bos|>")
                    .put("eos_token", "<|end|>").put("chat_template", THINKING);
            Files.writeString(directory.resolve("tokenizer_config.json"), config.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new SpokenEngine(directory, SchedulerLimits.DEFAULT);
    }

    public ChaiEngine engine() {
        return engine;
    }

    /** The next answers are this. */
    public void say(String newText) {
        text = newText;
        endless = false;
    }

    /** The next answers repeat a word until the context is full. */
    public void sayForever(String word) {
        text = word;
        endless = true;
    }

    public void pace(Pace newPace) {
        pace = newPace;
    }

    /** Tokens that were chosen so far, for all answers. */
    public int tokens() {
        return tokens.get();
    }

    /** What the model was asked last, as its template had it. */
    public String prompt() {
        return prompt;
    }

    /** How the tokens of the last answer were to be chosen. */
    public SamplingOptions sampling() {
        return sampling;
    }

    private Sampler sampler(SamplingOptions options) {
        sampling = options;
        int[] said = model.tokenizer().encode(endless ? text.repeat(2000) : text);
        return new ScriptedTokens(model.tokenizer(), said, Optional.empty()) {
            private int number;

            @Override
            public void begin(int[] promptTokens) {
                prompt = model.tokenizer().decode(promptTokens);
            }

            @Override
            public int sample(float[] logits) {
                try {
                    pace.beforeToken(number++);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                tokens.incrementAndGet();
                return super.sample(logits);
            }
        };
    }
}
