// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Prints what holding an answer to a schema costs: microseconds a token for {@code mask} and {@code accept} together,
 * for the first answer of a schema and once its states are known; random answers, some with as few tokens as the schema
 * allows. Run it with
 * {@code java -cp target/classes:target/test-classes:... io.github.chaijlama.constrain.ConstraintCost}.
 */
final class ConstraintCost {
    private static final int WARM_UP = 300;
    private static final int ANSWERS = 100;
    private static final int MAX_TOKENS = 200;

    private final Vocabulary vocabulary;
    private long nanos;
    private long slowest;
    private long tokens;

    private ConstraintCost(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    public static void main(String[] arguments) {
        Map<String, Vocabulary> vocabularies = new LinkedHashMap<>();
        vocabularies.put("Pocket", Vocabularies.pocket());
        long start = System.nanoTime();
        vocabularies.put("synthetic", Vocabularies.large(128_000, 1));
        System.out.printf("building the tree of 128,000 tokens: %d ms%n", (System.nanoTime() - start) / 1_000_000);
        Map<String, JsonNode> schemas = new LinkedHashMap<>();
        schemas.put("facts", JsonConstraintTests.json("{'type':'object','properties':{'name':{'type':'string'},"
                + "'animal':{'enum':['cat','dog','fox']},'age':{'type':'integer','minimum':0,'maximum':150},"
                + "'friends':{'type':'array','items':{'type':'string'}}},"
                + "'required':['name','animal','age','friends']}"));
        schemas.put("tools",
                JsonConstraintTests.json("{'anyOf':[" + tool("add", "integer") + "," + tool("weather", "string")
                        + "," + tool("price", "string") + "," + tool("multiply", "integer") + "]}"));
        schemas.put("limited strings", JsonConstraintTests.json("{'type':'array','minItems':3,'items':{'type':'string',"
                + "'minLength':5,'maxLength':40}}"));
        schemas.put("open object", JsonConstraintTests.json("{'type':'object','properties':{'name':{'type':'string'},"
                + "'city':{'type':'string'}},'additionalProperties':{'type':'string'}}"));
        schemas.put("any object", JsonConstraintTests.json("{'type':'object'}"));
        vocabularies.forEach(
                (name, vocabulary) -> schemas.forEach((kind, schema) -> report(name, vocabulary, kind, schema)));
    }

    private static String tool(String name, String type) {
        return "{'type':'object','properties':{'name':{'const':'" + name
                + "'},'parameters':{'type':'object','properties':{"
                + "'a':{'type':'" + type + "'},'b':{'type':'" + type + "'}},'required':['a','b']}},"
                + "'required':['name','parameters']}";
    }

    private static void report(String name, Vocabulary vocabulary, String kind, JsonNode schema) {
        for (int i = 0; i < WARM_UP; i++) { // the code, not the states
            new ConstraintCost(vocabulary).answer(JsonConstraint.compile(schema, vocabulary), i);
        }
        ConstraintCost cold = new ConstraintCost(vocabulary);
        for (int i = 0; i < ANSWERS; i++) {
            cold.answer(JsonConstraint.compile(schema, vocabulary), i);
        }
        ConstraintCost warm = new ConstraintCost(vocabulary);
        JsonConstraint constraint = JsonConstraint.compile(schema, vocabulary);
        for (int i = 0; i < WARM_UP; i++) {
            new ConstraintCost(vocabulary).answer(constraint, i);
        }
        for (int i = 0; i < ANSWERS; i++) {
            warm.answer(constraint, WARM_UP + i);
        }
        System.out.printf(
                "%-10s %7d tokens, %-16s first answer %7.1f us/token (slowest %8.1f), later %6.1f (slowest %8.1f)%n",
                name, vocabulary.size(), kind, cold.nanos / 1e3 / cold.tokens, cold.slowest / 1e3,
                warm.nanos / 1e3 / warm.tokens, warm.slowest / 1e3);
    }

    private void answer(JsonConstraint constraint, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int maxTokens = seed % 4 == 0 ? constraint.minimumTokens() + 5 : MAX_TOKENS;
        TokenConstraint answer = constraint.start(maxTokens);
        float[] logits = new float[vocabulary.size()];
        while (!answer.isFinished()) {
            Arrays.fill(logits, 0);
            long start = System.nanoTime();
            answer.mask(logits);
            long masked = System.nanoTime() - start;
            int token = random.nextInt(logits.length);
            while (logits[token] != 0) {
                token = (token + 1) % logits.length;
            }
            if (vocabulary.endTokens().contains(token)) {
                return;
            }
            start = System.nanoTime();
            answer.accept(token);
            long took = masked + System.nanoTime() - start;
            nanos += took;
            slowest = Math.max(slowest, took);
            tokens++;
        }
    }
}
