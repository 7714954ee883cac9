// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Holds answers to a JSON schema: of every token that comes next it knows whether the answer can still become a value
 * of the schema, and how many tokens that takes at least. Compile it once for a schema and a model and use it for every
 * request; what has been worked out for one answer is used by the others, up to a bound in memory. Immutable to the
 * outside, thread-safe.
 *
 * <p>Every answer is a value of the schema, but not every value can be an answer; what is left out:
 * <ul>
 * <li>properties come in the order in which they are declared, additional ones after them. Additional ones come only
 * where the schema has no {@code properties}, or says {@code additionalProperties}; their names have no escapes, differ
 * from the declared ones, but may repeat each other;
 * <li>whitespace is a space, or a line break and up to 16 spaces, where it is common to write some;
 * <li>integers without limits stay within 32 bits, those with limits have up to 18 digits; other numbers have up to 17
 * digits, 15 of them before the point, and 2 in the exponent;
 * <li>values of {@code enum} and {@code const} are spelled one way;
 * <li>a schema without a type whose keywords are about one type allows this type only.
 * </ul>
 *
 * <p>Supported are {@code type}, {@code properties}, {@code required}, {@code additionalProperties}, {@code items},
 * {@code prefixItems}, {@code minItems}, {@code maxItems}, {@code minLength}, {@code maxLength}, {@code enum},
 * {@code const}, {@code anyOf}, {@code allOf} of one, {@code $ref} into the schema itself, and for integers
 * {@code minimum}, {@code maximum}, {@code exclusiveMinimum}, {@code exclusiveMaximum}. Titles, descriptions and other
 * annotations are ignored. Anything else is refused by name.
 *
 * <p>Source: the idea of masking tokens by an automaton is that of B. T. Willard and R. Louf, arXiv:2307.09702; a
 * pushdown automaton over bytes, and not asking again for tokens that the surroundings of a string cannot matter to,
 * that of XGrammar, Y. Dong et al., arXiv:2411.15100, section 3. Counting the tokens of the shortest ending is ours
 * ({@link ShortestEnding}).
 */
public final class JsonConstraint {
    /** Bytes of memory that worked-out states may use before they are forgotten. */
    private static final long MAX_RETAINED = 48L << 20;

    private final Vocabulary vocabulary;
    private final List<CompiledForm> forms;
    private final Map<String, JsonConstraint> opened = new ConcurrentHashMap<>();
    private volatile Beginning beginning;

    /** An automaton and its state before the first token. */
    private record Beginning(Automaton automaton, State state) {}

    /** A form, its schema compiled. */
    private record CompiledForm(String before, SchemaNode value) {

        Stack stack(Vocabulary vocabulary) {
            Stack stack = Stack.EMPTY.pushAll(Whitespace.SPACE, value);
            return before.isEmpty() ? stack : stack.push(Literal.of(vocabulary.spell(before)));
        }
    }

    private JsonConstraint(Vocabulary vocabulary, List<CompiledForm> forms) {
        this.vocabulary = vocabulary;
        this.forms = forms;
        this.beginning = newBeginning();
    }

    /**
     * Compiles a schema. {@code {}} stands for any JSON value, {@code {"type": "object"}} for any object.
     *
     * @param schema     the schema, a document of its own: references point into it
     * @param vocabulary tokens of the model
     * @throws UnsupportedSchemaException if the schema says something that is not supported, is broken, or allows no
     *                                    finite value
     */
    public static JsonConstraint compile(JsonNode schema, Vocabulary vocabulary) {
        return compile(List.of(new AnswerForm("", schema)), vocabulary);
    }

    /**
     * Compiles the forms that an answer may have, one of them.
     *
     * @param vocabulary tokens of the model
     * @throws UnsupportedSchemaException if a schema says something that is not supported, is broken, or allows no
     *                                    finite value
     */
    public static JsonConstraint compile(List<AnswerForm> forms, Vocabulary vocabulary) {
        return new JsonConstraint(vocabulary, forms.stream()
                .map(form -> new CompiledForm(form.before(), SchemaCompiler.compile(form.schema()))).toList());
    }

    /**
     * Returns the same constraint for a place where an answer begins with a text: forms that have nothing before their
     * value get it.
     *
     * @param text may have marks of the vocabulary; one of a few, what is worked out is kept for each
     */
    public JsonConstraint opened(String text) {
        return opened.computeIfAbsent(text, before -> new JsonConstraint(vocabulary, forms.stream()
                .map(form -> form.before.isEmpty() ? new CompiledForm(before, form.value) : form).toList()));
    }

    private Beginning newBeginning() {
        Automaton automaton = new Automaton();
        return new Beginning(automaton, automaton.state(forms.stream().map(form -> form.stack(vocabulary)).toList()));
    }

    /**
     * Begins an answer.
     *
     * @param maxTokens most tokens the answer may have, an end token after it not counted
     * @throws TokenBudgetException if no answer is that short
     */
    public TokenConstraint start(int maxTokens) {
        if (minimumTokens() > maxTokens) {
            throw new TokenBudgetException(minimumTokens(), maxTokens);
        }
        return new TokenConstraint(this, beginning.state, maxTokens);
    }

    /** Returns how many tokens the shortest answer has. */
    public int minimumTokens() {
        return current(beginning.state).minimumTokens(vocabulary);
    }

    Vocabulary vocabulary() {
        return vocabulary;
    }

    /**
     * Returns a state to go on from: the same one, or, when the states have become too many, its like among new ones.
     */
    State current(State state) {
        Beginning current = beginning;
        if (current.automaton.retained() > MAX_RETAINED) {
            current = newBeginning();
            beginning = current;
        }
        return state.belongsTo(current.automaton) ? state : current.automaton.adopt(state);
    }
}
