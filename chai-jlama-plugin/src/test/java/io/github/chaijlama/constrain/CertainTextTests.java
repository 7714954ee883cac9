// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What a schema leaves no choice about, after some beginning of an answer. */
class CertainTextTests {
    private static final String THREE = "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'},"
            + "'c':{'type':'integer'}},'required':['a','b','c']}";
    private static final String NESTED = "{'type':'object','properties':{'o':" + THREE
            + ",'list':{'type':'array','items':{'type':'boolean'}}},'required':['o','list']}";
    private static final Vocabulary BYTES = Vocabularies.of();

    private static TokenConstraint answer(String schema, Vocabulary vocabulary, String beginning, int maxTokens) {
        TokenConstraint answer = JsonConstraint.compile(JsonConstraintTests.json(schema), vocabulary).start(maxTokens);
        for (int token : Vocabularies.longestFirst(vocabulary).apply(beginning)) {
            answer.accept(token);
        }
        return answer;
    }

    private static String text(Vocabulary vocabulary, int[] tokens, int count) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        Arrays.stream(tokens, 0, count).forEach(token -> text.writeBytes(vocabulary.bytes(token)));
        return text.toString(StandardCharsets.UTF_8);
    }

    private static String next(String schema, String beginning) {
        TokenConstraint.NextText next = answer(schema, BYTES, beginning, 1000)
                .nextText(Vocabularies.longestFirst(BYTES));
        assertThat(next.certain()).as("of single bytes all").isEqualTo(next.tokens().length);
        return text(BYTES, next.tokens(), next.certain());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', nullValues = "nothing",
            ignoreLeadingAndTrailingWhitespace = false, value = {
                    // How this answer sets its whitespace is not known yet.
                    "~~;nothing", "{;nothing", "{\";a\":", "{\"a\":;nothing", "{\"a\": ;\"", "{\"a\":\"x;nothing",
                    // Behind a comma as behind the bracket only where lines break.
                    "{\"a\": \"x\";,", "{\"a\": \"x\", ;\"b\": \"", "{\"a\":\"x\",;nothing",
                    "{\"a\": \"x\", \"b\": \"y\";, \"c\":", "{\"a\": \"x\", \"b\": \"y\", \"c\": 1;nothing",
                    "{\"a\":\"x\", \"b\":\"y\";, \"c\":" })
    void isWhatSchemaAndWhitespaceLeave(String beginning, String expected) {
        assertThat(next(THREE, beginning)).isEqualTo(expected == null ? "" : expected);
    }

    @Test
    void linesBreakAsTheyHaveBefore() {
        assertThat(next(THREE, "{\n\"a\": \"x\"")).isEqualTo(",\n\"b\": \"");
        assertThat(next(THREE, "{\n  \"a\": \"x\"")).isEqualTo(",\n  \"b\": \"");
        assertThat(next(NESTED, "{\n  \"o\": {")).isEqualTo("\n    \"a\": \"");
        assertThat(next(NESTED, "{\n  \"o\": {\n    \"a\": \"x\"")).isEqualTo(",\n    \"b\": \"");
        assertThat(next(NESTED, "{\n \"o\":{\n  \"a\":\"x\",\n  \"b\":\"\",\n  \"c\":0}"))
                .as("the bracket closes where the answer has put it").isEqualTo(",\n \"list\":[");
        assertThat(next(NESTED, "{\"o\": {\"a\": \"x\", \"b\": \"\", \"c\": 0}, \"list\": [true, fals"))
                .isEqualTo("e");
    }

    @Test
    void isTheRestOfAWordOnceItsBeginningHasSaidWhich() {
        String choice = "{'enum':['cat','cow','{\\'fox\\': 1}']}";
        assertThat(next(choice, "")).isEmpty();
        assertThat(next("{'enum':['cat','cow']}", "\"")).isEqualTo("c");
        assertThat(next("{'enum':['cat','cow']}", "\"co")).isEqualTo("w\"");
        assertThat(next("{'enum':['é','è']}", "\"")).as("half a character").isEmpty();
        assertThat(next("{'enum':['été','étage']}", "\"")).isEqualTo("ét");
        assertThat(next("{'type':'string','maxLength':2}", "\"ab")).isEqualTo("\"");
    }

    @Test
    void isNothingWhereTheAnswerMayEndOrSomethingMayBeLeftOut() {
        String optional = "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'null'}},'required':['a']}";
        assertThat(next(optional, "{\"a\": \"x\"")).isEmpty();
        assertThat(next(optional, "{\"a\": \"x\",\n")).as("an indentation may come").isEmpty();
        assertThat(next(optional, "{\"a\": \"x\",\n\"")).isEqualTo("b\": null}");
        assertThat(next("{'type':'integer'}", "1")).isEmpty();
    }

    @Test
    void aTokenThatMayBeTheBeginningOfALongerOneIsLeftToTheModel() {
        Vocabulary vocabulary = Vocabularies.of("\":", ", \"", " \"", "{\"", " 42", " \"x", "b\": x");
        String both = "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'string'}},"
                + "'required':['a','b']}";
        TokenConstraint.NextText next = answer(both, vocabulary, "{\"a\": 42, ", 1000)
                .nextText(Vocabularies.longestFirst(vocabulary));
        assertThat(text(vocabulary, next.tokens(), next.tokens().length)).isEqualTo("\"b\": \"");
        assertThat(text(vocabulary, next.tokens(), next.certain())).as("behind it may stand  \"x")
                .isEqualTo("\"b\":");
    }

    @Test
    void isNoLongerThanTheAnswerHasRoomFor() {
        int least = JsonConstraint.compile(JsonConstraintTests.json(THREE), BYTES).minimumTokens();
        String beginning = "{ \"a\": \"";
        int spaces = 2;
        for (int more = 0; more < 6; more++) {
            TokenConstraint answer = answer(THREE, BYTES, beginning, least + spaces + more);
            answer.accept(Vocabularies.longestFirst(BYTES).apply("\"")[0]);
            TokenConstraint.NextText next = answer.nextText(Vocabularies.longestFirst(BYTES));
            for (int i = 0; i < next.certain(); i++) {
                answer.accept(next.tokens()[i]);
            }
            // The comma, and if there is room for the spaces that this answer sets, the name.
            assertThat(text(BYTES, next.tokens(), next.certain())).isEqualTo(",");
            assertThat(answer.minimumTokens()).isLessThanOrEqualTo(answer.tokensLeft());
        }
    }

    @Test
    void marksAreTheTokensThatTheyAre() {
        List<byte[]> tokens = IntStream.range(0, 259)
                .mapToObj(token -> token == 0 ? new byte[0]
                        : token > 256 ? "[MARK]".getBytes(StandardCharsets.UTF_8)
                                : new byte[]{ (byte) (token - 1) })
                .toList();
        Vocabulary vocabulary = new Vocabulary(tokens.size(), tokens::get, Set.of(257, 258), Set.of(0),
                Map.of("[CALLS]", 257, "[ARGS]", 258));
        JsonConstraint constraint = JsonConstraint.compile(
                List.of(new AnswerForm("[CALLS]add[ARGS]", JsonConstraintTests.json(THREE))), vocabulary);
        TokenConstraint.NextText next = constraint.start(100).nextText(
                text -> text.chars().map(character -> character + 1).toArray());
        assertThat(next.tokens()).containsExactly(257, 'a' + 1, 'd' + 1, 'd' + 1, 258);
        assertThat(next.certain()).isEqualTo(5);
    }
}
