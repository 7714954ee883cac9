// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.bench.ClientsMeasurement;
import io.github.chaijlama.bench.Latency;

/**
 * What {@code chai bench --clients} measured, for people and for machines.
 *
 * @param heading      model and machine, a line each
 * @param answerTokens tokens of each answer
 */
record ClientsOutput(List<String> heading, int answerTokens, List<ClientsMeasurement> measurements) {

    void print(PrintWriter out) {
        heading.forEach(out::println);
        out.println("answers of " + answerTokens + " tokens; median and 99th percentile");
        out.println();
        out.printf("%-8s %-15s %8s %10s %26s %24s%n", "context", "arm", "clients", "tokens/s", "to the first token, ms",
                "between tokens, ms");
        for (ClientsMeasurement each : measurements) {
            out.printf(Locale.ROOT, "%-8d %-15s %8d %10.1f %26s %24s%n", each.context(), each.arm().label(),
                    each.clients(), each.tokensPerSecond(), format(each.firstToken()), format(each.betweenTokens()));
        }
    }

    private static String format(Latency latency) {
        return String.format(Locale.ROOT, "%.1f  %.1f", latency.median(), latency.percentile99());
    }

    ObjectNode toJson() {
        ObjectNode root = Json.object();
        root.put("model", heading.getFirst()).put("machine", heading.getLast()).put("answerTokens", answerTokens);
        ArrayNode list = root.putArray("clients");
        for (ClientsMeasurement each : measurements) {
            ObjectNode node = list.addObject();
            node.put("context", each.context()).put("arm", each.arm().label()).put("clients", each.clients())
                    .put("tokensPerSecond", each.tokensPerSecond());
            put(node.putObject("firstTokenMillis"), each.firstToken());
            put(node.putObject("betweenTokensMillis"), each.betweenTokens());
        }
        return root;
    }

    private static void put(ObjectNode node, Latency latency) {
        node.put("median", latency.median()).put("percentile99", latency.percentile99());
    }
}
