// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

class JsonConstraintTests {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
    /** Every byte is a token, the token's number the byte's and one. */
    private static final Vocabulary BYTES = Vocabularies.of();
    private static final int PLENTY = 10_000;

    static JsonNode json(String text) {
        try {
            return MAPPER.readTree(text.replace('\'', '"'));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private static JsonConstraint constraint(String schema) {
        return JsonConstraint.compile(json(schema), BYTES);
    }

    /** Whether a text, byte by byte, is a complete answer; texts are written with ' for ". */
    private static boolean accepts(JsonConstraint constraint, String text) {
        TokenConstraint answer = constraint.start(PLENTY);
        for (byte value : text.replace('\'', '"').getBytes(StandardCharsets.UTF_8)) {
            int token = 1 + (value & 0xFF);
            if (!answer.allows(token)) {
                return false;
            }
            answer.accept(token);
        }
        return answer.isComplete();
    }

    private static void check(String schema, List<String> accepted, List<String> rejected) {
        JsonConstraint constraint = constraint(schema);
        accepted.forEach(text -> assertThat(accepts(constraint, text)).as("accepts %s", text).isTrue());
        rejected.forEach(text -> assertThat(accepts(constraint, text)).as("accepts %s", text).isFalse());
    }

    @Test
    void objectsHaveTheirPropertiesInOrder() {
        check("{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'string'},'c':{'type':'null'}},"
                + "'required':['a','c']}",
                List.of("{'a':1,'c':null}", "{'a': 1, 'b': 'x', 'c': null}", " {'a':1,'c':null}",
                        "{\n  'a': 1,\n  'b': '',\n  'c': null\n}", "{ 'a': -10, 'c': null }"),
                List.of("{}", "{'a':1}", "{'c':null,'a':1}", "{'a':1,'b':2,'c':null}", "{'a':1,'c':null,'d':1}",
                        "{'a':1,'c':null,}", "{,'a':1,'c':null}", "{'a':1 'c':null}", "{'a':1,'a':1,'c':null}", "[]",
                        "{'a':1,'c':null} ", "{  'a':1,'c':null}", "{'a' :1,'c':null}", "{'a':1 ,'c':null}",
                        "{\n\n'a':1,'c':null}", "{\n" + " ".repeat(17) + "'a':1,'c':null}"));
    }

    @Test
    void additionalPropertiesComeWhereTheyAreAskedFor() {
        List<String> open = List.of("{}", "{'x': [1, {'y': null}]}", "{'x':1,'y':2}");
        check("{'type':'object'}", open, List.of("{'':1}", "{'x\\n':1}", "{x:1}"));
        check("{'type':'object','additionalProperties':true}", open, List.of());
        check("{'type':'object','additionalProperties':{'type':'integer'}}", List.of("{}", "{'x':1,'é':2}"),
                List.of("{'x':'y'}"));
        check("{'type':'object','properties':{}}", List.of("{}"), List.of("{'x':1}"));
        check("{'type':'object','additionalProperties':false}", List.of("{}"), List.of("{'x':1}"));
        check("{'type':'object','properties':{'name':{'type':'string'},'né':{}},"
                + "'additionalProperties':{'type':'integer'}}",
                List.of("{}", "{'name':'x'}", "{'name':'x','n':1}", "{'names':1}", "{'né':'x','nè':1}", "{'nam':1}",
                        "{'é':3}"),
                List.of("{'name':1}", "{'n':'x'}", "{'n':1,'name':1}", "{'n':1,'name':'x'}", "{'n':1,'né':1}",
                        "{'n\\u0061me':1}"));
        check("{'type':'object','required':['x'],'additionalProperties':{'type':'integer'}}",
                List.of("{'x':1}", "{'x':1,'y':2}"), List.of("{}", "{'y':2}", "{'x':'a'}"));
    }

    @Test
    void listsHaveAsManyItemsAsTheyMay() {
        check("{'type':'array','items':{'type':'boolean'}}", List.of("[]", "[true]", "[true, false,\n true]"),
                List.of("[1]", "[true,]", "[,true]", "[true false]", "[true"));
        check("{'type':'array','items':{'type':'integer'},'minItems':2,'maxItems':3}", List.of("[1,2]", "[1,2,3]"),
                List.of("[]", "[1]", "[1,2,3,4]"));
        check("{'type':'array','prefixItems':[{'type':'string'},{'type':'null'}],'items':false}",
                List.of("[]", "['a']", "['a',null]"), List.of("[null]", "['a',null,1]"));
        check("{'type':'array','prefixItems':[{'type':'string'}],'items':{'type':'integer'},'minItems':3}",
                List.of("['a',1,2]", "['a',1,2,3]"), List.of("['a',1]", "[1,2,3]"));
        check("{'type':'array'}", List.of("[]", "[1,'a',[[]],{'x':{}}]"), List.of("{}"));
    }

    @Test
    void stringsAreWhatRfc8259Allows() {
        check("{'type':'string'}",
                List.of("''", "'é文字😀'", "'\\\"\\\\\\/\\b\\f\\n\\r\\t'",
                        "'\\u00e9\\uD83d\\uDe00\\ud7ff\\uE000'"),
                List.of("'", "'a", "a", "'\n'", "'\t'", "'\\x'", "'\\u12g4'", "'\\uD83D'", "'\\uD83Dx'",
                        "'\\uDE00'", "'\\uD83D\\u0041'", "'a'b'"));
        check("{'type':'string','minLength':2,'maxLength':3}",
                List.of("'ab'", "'😀😀😀'", "'\\uD83D\\uDE00\\n'", "'é\\u0041c'"),
                List.of("''", "'a'", "'😀'", "'abcd'", "'\\uD83D\\uDE00'"));
        check("{'type':'string','maxLength':0}", List.of("''"), List.of("'a'"));
    }

    @Test
    void stringsAreValidUtf8() {
        JsonConstraint constraint = constraint("{'type':'string'}");
        List<int[]> invalid = List.of(new int[]{ 0x80 }, new int[]{ 0xC0 }, new int[]{ 0xC3, 0x22 },
                new int[]{ 0xE0, 0x9F }, new int[]{ 0xED, 0xA0 }, new int[]{ 0xF0, 0x8F }, new int[]{ 0xF4, 0x90 },
                new int[]{ 0xF5 }, new int[]{ 0xE4, 0xB8, 0xE4 }, new int[]{ 0xFF });
        for (int[] bytes : invalid) {
            TokenConstraint answer = constraint.start(PLENTY);
            answer.accept(1 + '"');
            for (int i = 0; i < bytes.length - 1; i++) {
                answer.accept(1 + bytes[i]);
            }
            assertThat(answer.allows(1 + bytes[bytes.length - 1])).as(Arrays.toString(bytes)).isFalse();
        }
    }

    @Test
    void numbersAreWhatRfc8259Allows() {
        check("{'type':'number'}",
                List.of("0", "-0", "12", "1.5", "-0.25", "1e5", "1E-05", "2.5e+10", "123456789012345"),
                List.of("", "-", "01", "+1", ".5", "1.", "1e", "1e+", "1.5.2", "NaN", "1e100", "1234567890123456"));
        check("{'type':'integer'}", List.of("0", "-1", "2147483647", "-2147483648"),
                List.of("-0", "01", "1.0", "1e3", "-", "2147483648", "-2147483649", "10000000000"));
    }

    @Test
    void numbersHaveNoMoreDigitsThanADoublePrints() {
        check("{'type':'number'}", List.of("0.1234567890123456", "123456789012345.67", "12345678.123456789",
                "1.2345678901234567e-99", "-1.2345678901234567"),
                List.of("0.12345678901234567", "123456789012345.678", "12345678.1234567891", "1.23456789012345678"));
    }

    /** An int field cannot hold more; who wants more says so by a limit beyond 32 bits. */
    @ParameterizedTest
    @CsvSource({ "'minimum':0, 0, 2147483647", "'maximum':0, -2147483648, 0",
            "'exclusiveMinimum':7, 8, 2147483647", "'exclusiveMaximum':-7, -2147483648, -8",
            "'maximum':5000000000, -2147483648, 5000000000", "'minimum':-5000000000, -5000000000, 2147483647",
            "'minimum':2147483648, 2147483648, 999999999999999999",
            "'maximum':-2147483649, -999999999999999999, -2147483649",
            "'minimum':-1e400|'maximum':1e400, -999999999999999999, 999999999999999999" })
    void integersWithoutALimitStayWithin32Bits(String limits, long low, long high) {
        JsonConstraint constraint = constraint("{'type':'integer'," + limits.replace('|', ',') + "}");
        assertThat(accepts(constraint, Long.toString(low))).isTrue();
        assertThat(accepts(constraint, Long.toString(low - 1))).isFalse();
        assertThat(accepts(constraint, Long.toString(high))).isTrue();
        assertThat(accepts(constraint, Long.toString(high + 1))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({ "'minimum':5, 5, ", "'maximum':-5, , -5", "'minimum':-3|'maximum':12, -3, 12",
            "'exclusiveMinimum':98|'exclusiveMaximum':1002, 99, 1001", "'minimum':150|'maximum':2000, 150, 2000",
            "'minimum':0.5|'maximum':3.5, 1, 3", "'exclusiveMinimum':-1.5, -1, ", "'minimum':0|'maximum':0, 0, 0",
            "'minimum':-1e400, , ", "'minimum':1e-400|'maximum':7, 1, 7" })
    void integersStayWithinTheirLimits(String limits, Long low, Long high) {
        JsonConstraint constraint = constraint("{'type':'integer'," + limits.replace('|', ',') + "}");
        for (long value = -2100; value <= 2100; value++) {
            boolean within = (low == null || value >= low) && (high == null || value <= high);
            assertThat(accepts(constraint, Long.toString(value))).as("accepts %d", value).isEqualTo(within);
        }
    }

    @Test
    void enumsAreTheirValues() {
        check("{'enum':['red','redder','é \\\\',1,12,1.5,true,null]}",
                List.of("'red'", "'redder'", "'é \\\\'", "1", "12", "1.5", "true", "null"),
                List.of("'redd'", "red", "2", "121", "false", "1.", "'\\u0072ed'"));
        check("{'type':'string','enum':['a','b',3]}", List.of("'a'", "'b'"), List.of("3"));
        check("{'const':{'a':[1]}}", List.of("{'a':[1]}"), List.of("{'a':[2]}"));
        check("{'type':['integer','null']}", List.of("1", "null"), List.of("'a'"));
        check("{'type':'boolean'}", List.of("true", "false"), List.of("True", "1"));
    }

    @Test
    void choicesStayOpenUntilTheyAreDecided() {
        String schema = "{'anyOf':[{'type':'object','properties':{'name':{'const':'add'},"
                + "'parameters':{'$ref':'#/$defs/ab'}},"
                + "'required':['name','parameters']},{'type':'object','properties':{'name':{'const':'adder'},"
                + "'parameters':{'type':'object','properties':{'place':{'type':'string'}},'required':['place']}},"
                + "'required':['name','parameters']}],'$defs':{'ab':{'type':'object','properties':"
                + "{'a':{'type':'integer'},'b':{'type':'integer'}},'required':['a','b']}}}";
        check(schema,
                List.of("{'name': 'add', 'parameters': {'a': 1, 'b': 2}}",
                        "{'name': 'adder', 'parameters': {'place': 'sea'}}"),
                List.of("{'name': 'adder', 'parameters': {'a': 1, 'b': 2}}",
                        "{'name': 'add', 'parameters': {'place': 'sea'}}", "{'name': 'sub', 'parameters': {}}"));
    }

    @Test
    void referencesMayBeRecursive() {
        check("{'$ref':'#/definitions/a~1b%25','definitions':{'a/b%':{'type':'object',"
                + "'properties':{'v':{'type':'integer'},"
                + "'next':{'anyOf':[{'$ref':'#/definitions/a~1b%25'},{'type':'null'}]}},'required':['v','next']}}}",
                List.of("{'v':1,'next':null}", "{'v':1,'next':{'v':2,'next':{'v':3,'next':null}}}"),
                List.of("{'v':1}", "{'v':1,'next':{'v':2}}"));
        check("{'type':'array','items':{'$ref':'#'}}", List.of("[]", "[[],[[]]]"), List.of("[1]"));
    }

    @Test
    void anEmptySchemaIsAnyValue() {
        for (String schema : List.of("{}", "true", "{'description':'anything'}")) {
            check(schema, List.of("1", "-1.5e3", "'a'", "true", "null", "[]", "{}", "{'a': [1, {'b': null}]}"),
                    List.of("", "a", "[1", "nul"));
        }
    }

    @Test
    void nestingMayBeDeeperThanTheStackOfAThread() {
        int depth = 50_000;
        JsonConstraint constraint = constraint("{'type':'array','items':{'$ref':'#'}}");
        TokenConstraint answer = constraint.start(2 * depth);
        for (int i = 0; i < depth; i++) {
            answer.accept(1 + '[');
        }
        assertThat(answer.minimumTokens()).isEqualTo(depth);
        assertThat(answer.allows(1 + '[')).isFalse();
        for (int i = 0; i < depth; i++) {
            answer.accept(1 + ']');
        }
        assertThat(answer.isFinished()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "{'type':'string','pattern':'a+'}; pattern; ''",
            "{'properties':{'x/y':{'format':'date'}}}; format; /properties/x~1y",
            "{'items':{'oneOf':[{}]}}; oneOf; /items", "{'not':{}}; not; ''", "{'allOf':[{},{}]}; allOf; ''",
            "{'anyOf':[{'type':'number','minimum':1}]}; minimum; /anyOf/0", "{'minimum':1}; minimum; ''",
            "{'multipleOf':2}; multipleOf; ''", "{'uniqueItems':true}; uniqueItems; ''",
            "{'anyOf':[{}],'properties':{}}; properties; ''", "{'$ref':'#','type':'object'}; type; ''",
            "{'enum':['a'],'minLength':1}; minLength; ''", "{'patternProperties':{}}; patternProperties; ''",
            "{'enum':[]}; enum; ''", "{'anyOf':[]}; anyOf; ''", "{'type':'text'}; type; ''", "{'type':[]}; type; ''",
            "{'type':'string','minLength':-1}; minLength; ''", "{'type':'array','maxItems':'2'}; maxItems; ''",
            "{'type':'object','required':'a'}; required; ''", "{'type':'array','items':[{}]}; items; ''",
            "{'$ref':'#/$defs/none'}; $ref; ''", "{'$ref':'http://example.org/schema'}; $ref; ''",
            "{'enum':['\\ud800']}; enum; ''",
            "{'type':'integer','exclusiveMinimum':true}; exclusiveMinimum; ''",
            "{'properties':{'a':1}}; ''; /properties/a",
            "{'properties':3}; ''; /properties", "{'$defs':{'a':{'if':{}}},'$ref':'#/$defs/a'}; if; /$defs/a" })
    void whatIsNotSupportedIsRefusedByName(String schema, String keyword, String path) {
        UnsupportedSchemaException refused = catchThrowableOfType(UnsupportedSchemaException.class,
                () -> constraint(schema));
        assertThat(refused).isNotNull();
        assertThat(refused.keyword()).isEqualTo(keyword);
        assertThat(refused.path()).isEqualTo(path);
        assertThat(refused).hasMessageContaining(keyword.isEmpty() ? "the schema" : "'" + keyword + "'")
                .hasMessageContaining(path.isEmpty() ? "the root of the schema" : path);
    }

    @ParameterizedTest
    @ValueSource(strings = { "false", "{'$ref':'#'}", "{'type':'string','minLength':3,'maxLength':2}",
            "{'type':'integer','minimum':3,'maximum':2}", "{'type':'integer','minimum':1e30}",
            "{'type':'array','minItems':2,'maxItems':1}", "{'type':'array','items':false,'minItems':1}",
            "{'type':'object','properties':{'x':false},'required':['x']}", "{'type':'integer','enum':['a']}",
            "{'type':'object','required':['x'],'additionalProperties':false}",
            "{'type':'object','properties':{'next':{'$ref':'#'}},'required':['next']}",
            "{'anyOf':[{'$ref':'#/anyOf/1'},{'$ref':'#/anyOf/0'}]}" })
    void schemasWithoutAFiniteValueAreRefused(String schema) {
        assertThatThrownBy(() -> constraint(schema)).isInstanceOf(UnsupportedSchemaException.class)
                .hasMessageContaining("allows no value");
    }

    @Test
    void whatHasNoValueIsLeftOutWhereItMay() {
        check("{'type':'object','properties':{'a':false,'b':{'type':'integer'}}}", List.of("{}", "{'b':1}"),
                List.of("{'a':1}"));
        check("{'anyOf':[false,{'type':'null'}]}", List.of("null"), List.of("1"));
        check("{'type':'array','items':false}", List.of("[]"), List.of("[1]"));
    }

    @Test
    void aBudgetBelowTheShortestAnswerIsRefused() {
        JsonConstraint constraint = JsonConstraint.compile(json("{'enum':['abcdef','xyzxyzxyz']}"),
                Vocabularies.of("abc", "\"ab", "cd", "ef\""));
        assertThat(constraint.minimumTokens()).isEqualTo(3);
        assertThatThrownBy(() -> constraint.start(2)).isInstanceOfSatisfying(TokenBudgetException.class, e -> {
            assertThat(e.minimumTokens()).isEqualTo(3);
            assertThat(e.maxTokens()).isEqualTo(2);
        }).hasMessage("the shortest answer for this schema has 3 tokens, the answer may have 2");
        assertThatThrownBy(
                () -> constraint("{'type':'array','items':{'type':'null'},'minItems':2000000000}").start(PLENTY))
                .isInstanceOf(TokenBudgetException.class);
    }

    @Test
    void whenOnlyTheShortestEndingFitsOnlyThatMayCome() {
        JsonConstraint constraint = JsonConstraint.compile(json("{'type':'array','items':{'type':'integer'}}"),
                Vocabularies.of("1]", "[1", "12"));
        TokenConstraint answer = constraint.start(3);
        answer.accept(1 + '[');
        assertThat(allowed(answer)).containsExactlyInAnyOrder("]", "1]", "1", "12", "-", "0", "2", "3", "4", "5", "6",
                "7",
                "8", "9"); // "-" because of "1]"
        answer.accept(1 + '1');
        assertThat(allowed(answer)).containsExactly("]", "1]");
        answer.accept(1 + ']');
        assertThat(answer.isFinished()).isTrue();
        assertThat(allowed(answer)).isEmpty();
        assertThat(answer.allows(Vocabularies.END)).isTrue();
    }

    private static List<String> allowed(TokenConstraint answer) {
        List<String> pieces = List.of("1]", "[1", "12");
        return IntStream.range(1, 257 + pieces.size()).filter(answer::allows)
                .mapToObj(token -> token < 257 ? Character.toString(token - 1) : pieces.get(token - 257)).toList();
    }

    @Test
    void maskAndAllowsSayTheSame() {
        Vocabulary vocabulary = Vocabularies.pocket();
        RandomSchemas schemas = new RandomSchemas(3);
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 40; i++) {
            JsonConstraint constraint = JsonConstraint.compile(schemas.next(), vocabulary);
            TokenConstraint answer = constraint.start(constraint.minimumTokens() + random.nextInt(40));
            while (!answer.isFinished()) {
                float[] logits = new float[vocabulary.size() + 3];
                answer.mask(logits);
                for (int token = 0; token < logits.length; token++) {
                    assertThat(logits[token]).as("token %d", token)
                            .isEqualTo(answer.allows(token) ? 0 : Float.NEGATIVE_INFINITY);
                }
                int[] text = IntStream.range(0, logits.length)
                        .filter(token -> answer.allows(token) && !vocabulary.endTokens().contains(token)).toArray();
                if (text.length == 0) { // a number whose digits are used up, and no room for an exponent
                    assertThat(answer.isComplete()).isTrue();
                    break;
                }
                answer.accept(text[random.nextInt(text.length)]);
            }
        }
    }

    @Test
    void aNumberBeyondDoubleIsRefusedWhereItIsReadAsInfinite() throws JsonProcessingException {
        JsonNode schema = new ObjectMapper().readTree("{\"type\":\"integer\",\"minimum\":1e999}");
        assertThatThrownBy(() -> JsonConstraint.compile(schema, BYTES)).isInstanceOf(UnsupportedSchemaException.class)
                .hasMessageContaining("'minimum' at the root of the schema must be a finite number");
    }

    @Test
    void aTokenThatMayNotComeIsNotAccepted() {
        TokenConstraint answer = constraint("{'type':'null'}").start(PLENTY);
        assertThatThrownBy(() -> answer.accept(1 + 'x')).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot come here");
        assertThatThrownBy(() -> answer.accept(Vocabularies.END)).isInstanceOf(IllegalArgumentException.class);
        assertThat(answer.allows(-1)).isFalse();
        assertThat(answer.allows(BYTES.size())).isFalse();
    }

    @Test
    void vocabulariesWithoutSingleBytesAreRefused() {
        List<String> words = List.of("{", "}", "fox");
        assertThatThrownBy(() -> new Vocabulary(3, id -> words.get(id).getBytes(StandardCharsets.UTF_8),
                Set.of(), Set.of()))
                .isInstanceOf(UnsupportedOperationException.class).hasMessageContaining("0x20");
    }

    @Test
    void severalThreadsMayUseOneConstraint() throws Exception {
        Vocabulary vocabulary = Vocabularies.pocket();
        JsonConstraint constraint = JsonConstraint.compile(new RandomSchemas(11).next(), vocabulary);
        Callable<List<String>> work = () -> {
            SplittableRandom random = new SplittableRandom(5);
            return IntStream.range(0, 30).mapToObj(i -> {
                try {
                    return RandomAnswersTests.sample(constraint, vocabulary, constraint.minimumTokens() + i, random);
                } catch (CharacterCodingException e) {
                    throw new AssertionError(e);
                }
            }).toList();
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<List<String>> answers = threads.invokeAll(List.of(work, work, work, work)).stream()
                    .map(Future::resultNow).toList();
            assertThat(answers).allMatch(answers.getFirst()::equals);
        }
    }
}
