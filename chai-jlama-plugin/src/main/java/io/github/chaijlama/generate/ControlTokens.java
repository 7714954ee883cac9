// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.tool.ToolCallFormat;

/** The control tokens of a tokenizer, and how to keep text from becoming one. Immutable. */
final class ControlTokens {
    private static final List<String> NAMES = List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token",
            "cls_token", "mask_token");
    private static final Pattern NOTHING = Pattern.compile("(?!)");
    /** How markers look. Gemma's added tokens, for one, also contain runs of line breaks, as templates do. */
    private static final Pattern IN_BRACKETS = Pattern.compile("<\\S+>|\\[\\S+]");

    private final List<ControlToken> tokens;
    private final Pattern pattern;

    private ControlTokens(List<ControlToken> tokens) {
        this.tokens = tokens;
        // The longest wins where one begins like another.
        String alternatives = tokens.stream().map(ControlToken::content)
                .sorted(Comparator.comparingInt(String::length).reversed()).map(Pattern::quote)
                .collect(Collectors.joining("|"));
        this.pattern = alternatives.isEmpty() ? NOTHING : Pattern.compile(alternatives);
    }

    /**
     * Returns the control tokens of a model: those that its tokenizer lists as special, those that its configuration
     * names, and markers that its template writes. A single character is none: no guard fits into it, so it is text
     * wherever it stands.
     */
    static ControlTokens of(TokenizerFiles files) {
        Map<String, Integer> named = new LinkedHashMap<>();
        for (String key : NAMES) {
            files.namedToken(key).ifPresent(name -> files.tokenId(name).ifPresent(id -> named.put(name, id)));
        }
        List<ControlToken> tokens = new ArrayList<>();
        for (JsonNode token : files.tokenizer().path("added_tokens")) {
            String content = token.path("content").asText();
            boolean control = token.path("special").asBoolean() || named.containsKey(content);
            boolean marker = !control && IN_BRACKETS.matcher(content).matches()
                    && files.templates().contain(content);
            if ((control || marker) && content.length() > 1) {
                tokens.add(new ControlToken(token.path("id").asInt(), content, token.path("lstrip").asBoolean(),
                        token.path("rstrip").asBoolean(), marker));
            }
            named.remove(content);
        }
        // Some tokenizers have them in the vocabulary and do not list them.
        named.forEach((content, id) -> {
            if (content.length() > 1) {
                tokens.add(new ControlToken(id, content, false, false, false));
            }
        });
        return new ControlTokens(List.copyOf(tokens));
    }

    /**
     * Returns the tokens that have no text: all that are more than markers. What stands before a call of a tool or
     * around thinking has its text even where the tokenizer lists it as special, because it is found by it.
     */
    Set<Integer> withoutText() {
        return tokens.stream().filter(token -> !token.marker())
                .filter(token -> !ToolCallFormat.TOKENS.contains(token.content()))
                .filter(token -> !ThinkingMarks.all().contains(token.content())).map(ControlToken::id)
                .collect(Collectors.toSet());
    }

    /** Returns all of them, markers too. */
    Set<Integer> ids() {
        return tokens.stream().map(ControlToken::id).collect(Collectors.toSet());
    }

    /** Returns how templates write them. */
    List<String> texts() {
        return tokens.stream().map(ControlToken::content).toList();
    }

    /** Returns how templates write those that are more than markers. */
    List<String> textsWithoutMarkers() {
        return tokens.stream().filter(token -> !token.marker()).map(ControlToken::content).toList();
    }

    /** Returns a matcher that finds control tokens. */
    Matcher matcher(String text) {
        return pattern.matcher(text);
    }

    ControlToken get(String content) {
        return tokens.stream().filter(token -> token.content().equals(content)).findFirst().orElseThrow();
    }

    /**
     * Returns a tokenizer.json in which no text is a control token: their names are replaced by ones that nobody can
     * guess, in the list of added tokens and in the vocabulary. Taking them out of the list instead would give their
     * numbers to the tokens behind them, because the library numbers added tokens by their place; leaving them in the
     * vocabulary would let some kinds of model (Unigram, WordLevel) find them there.
     *
     * @param afterControlToken whether the text to encode follows a control token; some vocabularies mark the beginning
     *                          of a text, which such a stretch is not
     */
    String hiddenIn(JsonNode tokenizer, boolean afterControlToken) {
        String secret = "\uE000" + UUID.randomUUID();
        Map<String, String> hidden = new HashMap<>();
        tokens.forEach(token -> hidden.put(token.content(), secret + ":" + token.id()));
        UnaryOperator<String> rename = name -> hidden.getOrDefault(name, name);

        ObjectNode copy = tokenizer.deepCopy();
        for (Iterator<JsonNode> listed = copy.path("added_tokens").iterator(); listed.hasNext();) {
            ObjectNode token = (ObjectNode) listed.next();
            String content = token.path("content").asText();
            if (content.length() != 1) {
                token.put("content", rename.apply(content));
            } else if (TokenizerFiles.idInVocabulary(tokenizer, content).isPresent()) {
                // The library would find it in the middle of text, and take it for a byte in some vocabularies. It has
                // its number from the vocabulary, so those behind it keep theirs.
                listed.remove();
            } else {
                token.put("content", secret + ":" + token.path("id").asText());
            }
        }
        if (copy.path("model") instanceof ObjectNode model) {
            hide(model, hidden, rename);
        }
        copy.putNull("truncation");
        copy.putNull("padding");
        copy.putNull("post_processor");
        if (afterControlToken) {
            for (JsonNode parent : copy.path("pre_tokenizer").findParents("prepend_scheme")) {
                ((ObjectNode) parent).put("prepend_scheme", "never");
            }
        }
        return copy.toString();
    }

    private static void hide(ObjectNode model, Map<String, String> hidden, UnaryOperator<String> rename) {
        if (model.path("unk_token").isTextual()) {
            model.put("unk_token", rename.apply(model.path("unk_token").textValue()));
        }
        if (model.path("vocab") instanceof ArrayNode pieces) { // Unigram: a list of [token, score]
            for (JsonNode piece : pieces) {
                ((ArrayNode) piece).set(0, rename.apply(piece.path(0).asText()));
            }
        } else if (model.path("vocab") instanceof ObjectNode vocabulary) {
            hidden.forEach((name, secret) -> {
                JsonNode id = vocabulary.remove(name);
                if (id != null) {
                    vocabulary.set(secret, id);
                }
            });
        }
        if (model.path("merges") instanceof ArrayNode merges) {
            // A merge that makes a control token, or goes on from one, has nothing to make any more.
            for (int i = merges.size() - 1; i >= 0; i--) {
                if (mergeParts(merges.get(i)).anyMatch(hidden::containsKey)) {
                    merges.remove(i);
                }
            }
        }
    }

    /**
     * Returns left, right and result of a merge, which is written {@code "left right"} or {@code ["left", "right"]}.
     */
    private static Stream<String> mergeParts(JsonNode merge) {
        String text = merge.asText();
        String left = merge.isArray() ? merge.path(0).asText() : text.substring(0, Math.max(0, text.indexOf(' ')));
        String right = merge.isArray() ? merge.path(1).asText() : text.substring(text.indexOf(' ') + 1);
        return Stream.of(left, right, left + right);
    }
}
