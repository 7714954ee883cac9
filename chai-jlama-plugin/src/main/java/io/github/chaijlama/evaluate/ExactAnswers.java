// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.evaluate.AnswerPrompts.Prompt;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.generate.TextTokenizer;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.tool.ToolCallFormat;

/**
 * Has a model answer prompts with exact attention, greedily, and keeps the answers that are of an {@link AnswerKind}.
 * Not thread-safe.
 */
public final class ExactAnswers {
    /** Tokens after which an answer is cut: most end before, and whether they do is part of them. */
    static final int MAX_TOKENS = 128;
    /** The most answers of a kind: enough to see what happens to one in twenty, and few beside whole texts. */
    static final int MAX_OF_A_KIND = 64;
    /** With fewer of a kind, prompts of the project's own are asked as well. */
    private static final int ENOUGH_OF_A_KIND = 16;
    /** A first message with more tokens, those of the template included, is no short one. */
    private static final int SHORT_PROMPT = 64;
    /** By then an answer has begun as JSON does, or it does not. */
    private static final int OPENING_TOKENS = 4;

    private final AnswerPrompts prompts;
    private final ChaiModel model;
    private final TextTokenizer tokenizer;

    /** Creates what has the model of prompts answer them. */
    public ExactAnswers(AnswerPrompts prompts) {
        TextModel text = prompts.model();
        this.prompts = prompts;
        this.model = text.model();
        this.tokenizer = text.tokenizer();
    }

    /**
     * Returns the answers to the prompts of texts, at most {@link #MAX_OF_A_KIND} of each kind. Of kinds that texts
     * have hardly any of, those to prompts of the project's own are among them: what users show of their model says
     * more.
     *
     * @param texts    indexes of the texts to take prompts from, in this order
     * @param half     0 or 1: of the project's own prompts every other one
     * @param progress told of prompts done
     */
    public List<ExactAnswer> write(List<Integer> texts, int half, Progress progress) {
        Map<AnswerKind, List<ExactAnswer>> kinds = new EnumMap<>(AnswerKind.class);
        for (AnswerKind kind : AnswerKind.values()) {
            kinds.put(kind, new ArrayList<>());
        }
        List<Prompt> ofTexts = prompts.of(texts);
        List<Prompt> own = prompts.own(half);
        int asked = 0;
        for (Prompt prompt : ofTexts) {
            if (kinds.values().stream().allMatch(answers -> answers.size() == MAX_OF_A_KIND)) {
                break;
            }
            answer(prompt).ifPresent(answer -> add(answer, kinds, MAX_OF_A_KIND));
            progress.report(++asked, (long) ofTexts.size() + own.size());
        }
        for (Prompt prompt : own) {
            if (kinds.values().stream().anyMatch(answers -> answers.size() < ENOUGH_OF_A_KIND)) {
                answer(prompt).ifPresent(answer -> add(answer, kinds, ENOUGH_OF_A_KIND));
            }
            progress.report(++asked, (long) ofTexts.size() + own.size());
        }
        return kinds.values().stream().flatMap(List::stream).toList();
    }

    private static void add(ExactAnswer answer, Map<AnswerKind, List<ExactAnswer>> kinds, int most) {
        List<ExactAnswer> answers = Objects.requireNonNull(kinds.get(answer.kind()));
        if (answers.size() < most) {
            answers.add(answer);
        }
    }

    private Optional<ExactAnswer> answer(Prompt prompt) {
        boolean isShort = prompt.first() && prompt.tokens().length <= SHORT_PROMPT;
        Draft draft = new Draft();
        try (ChaiSession session = model.newSession(ClusterProfile.exact(model.config().shape()))) {
            draft.add(Distribution.of(session.feed(prompt.tokens())));
            while (!draft.isComplete() && (isShort || draft.length < OPENING_TOKENS || draft.isStructured())) {
                draft.add(Distribution.of(session.feed(draft.last())));
            }
        }
        return draft.isStructured() ? Optional.of(draft.of(AnswerKind.STRUCTURED, prompt))
                : isShort ? Optional.of(draft.of(AnswerKind.FIRST_MESSAGE, prompt)) : Optional.empty();
    }

    /** An answer in the making. */
    private final class Draft {
        private final int[] tokens = new int[MAX_TOKENS];
        private final boolean[] sure = new boolean[MAX_TOKENS];
        private int length;

        void add(Distribution next) {
            tokens[length] = next.mostLikely();
            sure[length] = next.logProbability(next.mostLikely()) >= Math.log(ExactAnswer.SURE)
                    || tokenizer.isEndToken(next.mostLikely());
            length++;
        }

        int last() {
            return tokens[length - 1];
        }

        boolean isComplete() {
            return length == MAX_TOKENS || tokenizer.isEndToken(last());
        }

        boolean isStructured() {
            String text = tokenizer.decode(Arrays.copyOf(tokens, length)).strip();
            return text.startsWith("{") || text.startsWith("[") || ToolCallFormat.marks(text);
        }

        ExactAnswer of(AnswerKind kind, Prompt prompt) {
            return new ExactAnswer(kind, prompt.tokens(), Arrays.copyOf(tokens, length), Arrays.copyOf(sure, length));
        }
    }
}
