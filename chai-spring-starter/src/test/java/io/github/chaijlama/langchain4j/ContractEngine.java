// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import dev.langchain4j.model.chat.listener.ChatModelListener;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.SchedulerLimits;

/** The models that LangChain4j's contract tests run with. */
final class ContractEngine {
    private final ChaiEngine engine;
    private final Script script;

    private ContractEngine(ChaiEngine engine, Script script) {
        this.engine = engine;
        this.script = script;
    }

    /** Pocket as it is. */
    static final class AsItIs {
        static final ContractEngine ENGINE = new ContractEngine(Pocket.engine(), null);
    }

    /** Pocket that follows a script. */
    static final class Scripted {
        static final ContractEngine ENGINE = scripted();

        private static ContractEngine scripted() {
            Script script = ContractScript.script();
            TextModel model = TextModel.load(Pocket.MODEL, ChaiOptions.exact(), script::sampler,
                    Optional.of(SchedulerLimits.DEFAULT));
            script.speak(model.tokenizer());
            return new ContractEngine(ChaiEngine.of(model, "pocket"), script);
        }
    }

    private List<ChatModelListener> listeners(ChatModelListener... others) {
        return Stream.concat(Stream.ofNullable(script), Stream.of(others)).toList();
    }

    ChaiChatModel.Builder chat(ChatModelListener... listeners) {
        return ChaiChatModel.builder().engine(engine).listeners(listeners(listeners));
    }

    ChaiStreamingChatModel.Builder streaming(ChatModelListener... listeners) {
        return ChaiStreamingChatModel.builder().engine(engine).listeners(listeners(listeners));
    }
}
