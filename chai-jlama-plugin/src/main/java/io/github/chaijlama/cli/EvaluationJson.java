// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.List;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskGroup;
import io.github.chaijlama.evaluate.TaskMeasures;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TaskSet;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextResult;
import io.github.chaijlama.evaluate.TextSet;

/** An evaluation for machines: shares and not percent, nats, bytes; a standard error that is not known is null. */
final class EvaluationJson {

    private EvaluationJson() {}

    static ObjectNode of(EvaluateCommand.Evaluated evaluated) {
        ObjectNode root = Json.object();
        root.put("model", evaluated.shape().toString()).put("threads", evaluated.options().threads());
        evaluated.texts().ifPresent(texts -> put(root.putObject("texts"), texts.set(), texts.result()));
        evaluated.tasks().ifPresent(tasks -> put(root.putObject("tasks"), tasks.set(), tasks.result()));
        return root;
    }

    private static void put(ObjectNode node, TextSet set, TextEvaluation result) {
        node.put("source", set.source()).put("count", result.texts()).put("predictedTokens", result.predictedTokens())
                .put("badLines", set.badLines()).put("cut", set.cut()).put("complete", set.complete());
        put(node.putObject("exact"), result.exact());
        ArrayNode arms = node.putArray("arms");
        result.arms().forEach(arm -> put(arms.addObject(), arm));
    }

    private static void put(ObjectNode node, TaskSet set, TaskEvaluation result) {
        node.put("source", set.source()).put("count", result.tasks()).put("badLines", set.badLines())
                .put("tooLong", set.tooLong()).put("complete", set.complete());
        put(node.putObject("exact"), result.exact());
        ArrayNode arms = node.putArray("arms");
        result.arms().forEach(arm -> put(arms.addObject(), arm));
    }

    private static void put(ObjectNode node, Arm arm) {
        node.put("name", arm.name()).put("kvType", arm.kvType().name());
        arm.profile().ifPresent(profile -> Json.putNumbers(node, "clusters",
                profile.clusters().stream().mapToInt(Integer::intValue).toArray()));
    }

    private static void put(ObjectNode node, TextResult result) {
        put(node, result.arm());
        put(node, "logLoss", result.logLoss());
        put(node, "perplexity", result.perplexity());
        put(node, "logLossDifference", result.logLossDifference());
        put(node, "perplexityIncrease", result.perplexityIncrease());
        put(node, "divergence", result.divergence());
        put(node, "agreement", result.agreement());
        node.put("kvCacheBytes", result.kvCacheBytes()).put("kvCacheRelative", result.kvCacheRelative())
                .put("textsWithoutClusters", result.textsWithoutClusters());
    }

    private static void put(ObjectNode node, TaskResult result) {
        put(node, result.arm());
        put(node.putObject("overall"), result.overall());
        ArrayNode kinds = node.putArray("kinds");
        List<TaskGroup> groups = result.kinds();
        groups.forEach(group -> put(kinds.addObject(), group));
        node.put("kvCacheBytes", result.kvCacheBytes()).put("kvCacheRelative", result.kvCacheRelative())
                .put("tasksWithoutClusters", result.tasksWithoutClusters());
    }

    private static void put(ObjectNode node, TaskGroup group) {
        node.put("kind", group.kind()).put("tasks", group.tasks());
        put(node.putObject("measures"), group.measures());
        put(node.putObject("differences"), group.differences());
    }

    private static void put(ObjectNode node, TaskMeasures measures) {
        put(node, "accuracy", measures.accuracy());
        put(node, "normalizedAccuracy", measures.normalizedAccuracy());
        put(node, "exactMatch", measures.exactMatch());
        put(node, "answerLoss", measures.answerLoss());
    }

    private static void put(ObjectNode node, String key, Estimate estimate) {
        ObjectNode child = node.putObject(key).put("value", estimate.value());
        if (Double.isNaN(estimate.standardError())) {
            child.putNull("standardError");
        } else {
            child.put("standardError", estimate.standardError());
        }
    }
}
