// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.github.chaijlama.tool.ToolCallFormat;

/**
 * How a model tells what it thinks from what it answers: by marks in its text, in messages of their own, or not at all.
 * Immutable.
 */
final class Thoughts {
    private final Optional<ThinkingMarks> marks;
    private final Optional<HarmonyTokens> harmony;
    /** What the tokenizer has as one token, of what stands around thinking and calls. */
    private final Map<String, Integer> tokens = new LinkedHashMap<>();

    /**
     * The tokens around thinking.
     *
     * @param opening     before it
     * @param closing     after it, up to where the answer begins
     * @param closingText text that ends it however it is cut into tokens; empty if the first token of {@code closing}
     *                    does, and nothing else
     * @param never       tokens that do not come in it
     */
    record Around(List<Integer> opening, List<Integer> closing, String closingText, Set<Integer> never) {}

    Thoughts(TokenizerFiles files) {
        this.harmony = HarmonyTokens.of(files);
        this.marks = harmony.isPresent() ? Optional.empty() : ThinkingMarks.of(files);
        for (List<String> texts : List.of(ThinkingMarks.all(), ToolCallFormat.TOKENS)) {
            texts.forEach(text -> files.tokenId(text).ifPresent(id -> tokens.put(text, id)));
        }
        harmony.ifPresent(found -> tokens.putAll(found.byText()));
    }

    /** Returns the tokens that forms of answers are held to, by how they are written. */
    Map<String, Integer> formTokens() {
        Map<String, Integer> forms = new LinkedHashMap<>(tokens);
        ThinkingMarks.all().forEach(forms::remove);
        return forms;
    }

    /** Returns the tokens that end an answer beside those that the model's configuration names. */
    Set<Integer> endTokens(TokenizerFiles files) {
        Set<Integer> ends = new LinkedHashSet<>();
        if (harmony.isPresent()) {
            HarmonyTokens.ENDS.forEach(text -> files.tokenId(text).ifPresent(ends::add));
        }
        return ends;
    }

    /** Returns what stands around thinking; empty if the model does not think. */
    Optional<Around> around(TextTokenizer tokenizer) {
        if (harmony.isPresent()) {
            Set<Integer> never = new LinkedHashSet<>(harmony.get().byText().values());
            never.remove(harmony.get().end());
            return Optional.of(new Around(encode(HarmonyTokens.THINKING, tokenizer),
                    encode(HarmonyTokens.NEXT, tokenizer), "", never));
        }
        return marks.map(found -> new Around(encode(found.opening(), tokenizer), encode(found.closing(), tokenizer),
                found.closing(), Set.of()));
    }

    /** Returns what an answer's message begins with where its channel is open; empty if it begins with its text. */
    String answerOpening() {
        return harmony.isPresent() ? HarmonyTokens.FINAL : "";
    }

    /** Returns what separates an answer to a prompt. */
    AnswerText separate(int[] prompt, TextTokenizer tokenizer) {
        if (harmony.isPresent()) {
            return new HarmonyText(harmony.get(), prompt, tokenizer);
        }
        return new ThinkingText(marks,
                marks.filter(found -> tokenizer.endsWith(prompt, found.opening())).isPresent());
    }

    /** Returns the tokens of a text, those that the tokenizer has as one as such. */
    List<Integer> encode(String text, TextTokenizer tokenizer) {
        List<Integer> encoded = new ArrayList<>();
        int from = 0;
        for (int at = 0; at < text.length();) {
            int here = at;
            Optional<String> mark = tokens.keySet().stream().filter(one -> text.startsWith(one, here)).findFirst();
            if (mark.isPresent()) {
                encoded.addAll(tokenizer.encodeInside(text.substring(from, at)));
                encoded.add(tokens.get(mark.get()));
                from = at + mark.get().length();
            }
            at = mark.isPresent() ? from : at + 1;
        }
        encoded.addAll(tokenizer.encodeInside(text.substring(from)));
        return encoded;
    }
}
