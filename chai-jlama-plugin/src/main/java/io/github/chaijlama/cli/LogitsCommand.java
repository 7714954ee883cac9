// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.TokenSession;
import io.github.chaijlama.cluster.HeadClusters;

/** {@code chai logits}: what the model expects after some tokens, and which heads it put together. */
@Command(name = "logits", mixinStandardHelpOptions = true, description = "Prints the logits after some tokens, the "
        + "clusters of each layer, and the bytes of keys and values.")
final class LogitsCommand implements Callable<Integer> {
    private static final int SHOWN = 10;

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions options;

    @Option(names = "--tokens", required = true, split = ",", paramLabel = "N", description = "tokens to feed")
    @SuppressWarnings("NullAway.Init")
    private List<Integer> tokens;

    @Option(names = "--batch", paramLabel = "N", description = "feed the tokens N at a time; default: all at once")
    private @Nullable Integer batch;

    @Option(names = "--json", description = "print everything as JSON")
    private boolean json;

    @Override
    public Integer call() {
        if (batch != null && batch < 1) {
            throw options.usage("--batch must be at least 1, found " + batch);
        }
        try (TokenModel model = TokenModel.load(options.model(), options.toChaiOptions(), options.progress());
                TokenSession session = model.newSession()) {
            requireTokens(model);
            float[] logits = feed(session);
            PrintWriter out = command.commandLine().getOut();
            if (json) {
                out.println(toJson(model, session, logits));
            } else {
                print(out, model, session, logits);
            }
            out.flush();
            return 0;
        }
    }

    private void requireTokens(TokenModel model) {
        int vocabulary = model.config().vocabularySize();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw options.usage("--tokens must be 0 to " + (vocabulary - 1) + ", found " + token);
            }
        }
    }

    private float[] feed(TokenSession session) {
        int[] all = tokens.stream().mapToInt(Integer::intValue).toArray();
        int step = batch == null ? all.length : batch;
        float[] logits = {};
        for (int from = 0; from < all.length; from += Math.min(step, all.length - from)) {
            logits = session.feed(Arrays.copyOfRange(all, from, from + Math.min(step, all.length - from)));
        }
        return logits;
    }

    private static ObjectNode toJson(TokenModel model, TokenSession session, float[] logits) {
        ObjectNode root = Json.object();
        Json.putNumbers(root, "logits", logits);
        ArrayNode layers = root.putArray("layers");
        for (int layer = 0; layer < model.config().layers(); layer++) {
            HeadClusters clusters = clusters(model, session, layer);
            ObjectNode node = layers.addObject();
            Json.putNumbers(node, "member", clusters.members());
            Json.putNumbers(node, "representatives", clusters.representatives());
        }
        Json.putBytes(root, "kvCacheBytes", bytes(session, ChaiSession::kvCacheBytes));
        Json.putBytes(root, "kvCacheAllocatedBytes", bytes(session, ChaiSession::kvCacheAllocatedBytes));
        return root;
    }

    /** How much memory Jlama's own cache takes is not known. */
    private static OptionalLong bytes(TokenSession session, ToLongFunction<ChaiSession> bytes) {
        return session instanceof ChaiSession chai ? OptionalLong.of(bytes.applyAsLong(chai)) : OptionalLong.empty();
    }

    /** Jlama's own attention is exact. */
    private static HeadClusters clusters(TokenModel model, TokenSession session, int layer) {
        return session instanceof ChaiSession chai ? chai.clusters(layer)
                : HeadClusters.identity(model.config().numberOfHeads());
    }

    private static void print(PrintWriter out, TokenModel model, TokenSession session, float[] logits) {
        out.println("most likely next tokens:");
        IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> logits[token]).reversed()).limit(SHOWN)
                .forEach(token -> out.printf("  %6d  %10.5f%n", token, logits[token]));
        for (int layer = 0; layer < model.config().layers(); layer++) {
            HeadClusters clusters = clusters(model, session, layer);
            out.println("layer " + layer + ": " + clusters.numberOfClusters() + " clusters, members "
                    + Arrays.toString(clusters.members()) + ", representatives "
                    + Arrays.toString(clusters.representatives()));
        }
        if (session instanceof ChaiSession chai) {
            out.println("keys and values: " + chai.kvCacheBytes() + " bytes used, " + chai.kvCacheAllocatedBytes()
                    + " allocated");
        }
    }
}
