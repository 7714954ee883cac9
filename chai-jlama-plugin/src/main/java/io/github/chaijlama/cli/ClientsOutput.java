// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.bench.ClientsBenchmark;
import io.github.chaijlama.bench.ClientsMeasurement;
import io.github.chaijlama.bench.Latency;

/**
 * What {@code chai bench --clients} measured, for people and for machines.
 *
 * @param heading      model and machine, a line each
 * @param answerTokens tokens of each answer
 */
record ClientsOutput(List<String> heading, int answerTokens, ClientsBenchmark.Result result) {

    void print(PrintWriter out) {
        heading.forEach(out::println);
        out.println("answers of " + answerTokens + " tokens; median and 99th percentile");
        out.println();
        out.printf("%-8s %-15s %8s %10s %10s %26s %24s%n", "context", "arm", "clients", "tokens/s", "together",
                "to the first token, ms", "between tokens, ms");
        for (ClientsMeasurement each : result.clients()) {
            out.printf(Locale.ROOT, "%-8d %-15s %8d %10.1f %10.1f %26s %24s%n", each.context(), each.arm().label(),
                    each.clients(), each.tokensPerSecond(), each.together(), format(each.firstToken()),
                    format(each.betweenTokens()));
        }
        out.println("tokens/s: of answers, prompts' time included; together: while every client's answer goes on");
        if (!result.incoming().isEmpty()) {
            printIncoming(out);
        }
    }

    private void printIncoming(PrintWriter out) {
        out.println();
        out.println("a prompt comes in while answers go on");
        out.printf("%-8s %-15s %8s %8s %31s %24s %24s%n", "context", "arm", "clients", "prompt",
                "first token: alone, beside, ms", "between tokens, ms", "meanwhile, ms");
        for (ClientsMeasurement.Incoming each : result.incoming()) {
            out.printf(Locale.ROOT, "%-8d %-15s %8d %8d %31s %24s %24s%n", each.context(), each.arm().label(),
                    each.clients(), each.prompt(),
                    String.format(Locale.ROOT, "%.0f  %.0f", each.firstTokenAlone(), each.firstToken()),
                    format(each.without()), format(each.with()));
        }
    }

    private static String format(Latency latency) {
        return String.format(Locale.ROOT, "%.1f  %.1f", latency.median(), latency.percentile99());
    }

    ObjectNode toJson() {
        ObjectNode root = Json.object();
        root.put("model", heading.getFirst()).put("machine", heading.getLast()).put("answerTokens", answerTokens);
        ArrayNode list = root.putArray("clients");
        for (ClientsMeasurement each : result.clients()) {
            ObjectNode node = list.addObject();
            node.put("context", each.context()).put("arm", each.arm().label()).put("clients", each.clients())
                    .put("tokensPerSecond", each.tokensPerSecond());
            if (!Double.isNaN(each.together())) {
                node.put("tokensPerSecondTogether", each.together());
            }
            put(node.putObject("firstTokenMillis"), each.firstToken());
            put(node.putObject("betweenTokensMillis"), each.betweenTokens());
        }
        ArrayNode prompts = root.putArray("incoming");
        for (ClientsMeasurement.Incoming each : result.incoming()) {
            ObjectNode node = prompts.addObject();
            node.put("context", each.context()).put("arm", each.arm().label()).put("clients", each.clients())
                    .put("prompt", each.prompt()).put("firstTokenAloneMillis", each.firstTokenAlone())
                    .put("firstTokenMillis", each.firstToken());
            put(node.putObject("betweenTokensWithoutMillis"), each.without());
            put(node.putObject("betweenTokensMillis"), each.with());
        }
        return root;
    }

    private static void put(ObjectNode node, Latency latency) {
        if (!Double.isNaN(latency.median())) {
            node.put("median", latency.median()).put("percentile99", latency.percentile99());
        }
    }
}
