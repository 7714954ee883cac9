// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.attention.HeadFeatures;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.profile.ModelShape;

/**
 * The clusters of a conversation, and how alike its heads attend.
 *
 * @param tokens                of the conversation
 * @param exactKvCacheBytes     what exact attention stores of them
 * @param clusteredKvCacheBytes what clustered attention does
 * @param layers                first to last
 */
record ClusterPicture(int tokens, long exactKvCacheBytes, long clusteredKvCacheBytes, List<Layer> layers) {
    /** So few that requests whose steps take turns with these hardly notice. */
    private static final int SLICE = 64;

    /**
     * A layer.
     *
     * @param clusters as many as heads compute their own attention
     */
    record Layer(int clusters, List<Head> heads) {}

    /**
     * A head.
     *
     * @param representative head whose attention it takes, itself if it computes its own
     * @param similarity     cosine similarity of its attention probabilities and those of that head, over all tokens,
     *                       with exact attention
     */
    record Head(int cluster, int representative, double similarity) {}

    /**
     * Runs a conversation once exact, which is observed, and once clustered.
     *
     * @param conversation its tokens
     * @param promptLength how many of them were a prompt when the last answer began
     * @throws io.github.chaijlama.kv.KvCacheFullException if there is no memory for it now
     */
    static ClusterPicture of(ChaiModel model, int[] conversation, int promptLength) {
        ModelShape shape = model.config().shape();
        List<HeadGram> products = Stream.generate(() -> new HeadGram(shape.heads())).limit(shape.layers()).toList();
        long exactBytes;
        try (ChaiSession exact = model.newSession(AttentionMode.EXACT)) {
            exact.observe(new HeadFeatures(products));
            feed(exact, conversation, 0, conversation.length);
            exactBytes = exact.kvCacheBytes();
        }
        try (ChaiSession clustered = model.newSession(AttentionMode.CLUSTERED)) {
            clustered.beginPrompt();
            feed(clustered, conversation, 0, promptLength);
            clustered.endPrompt();
            feed(clustered, conversation, promptLength, conversation.length);
            List<Layer> layers = new ArrayList<>();
            for (int layer = 0; layer < shape.layers(); layer++) {
                layers.add(layer(clustered.clusters(layer), products.get(layer)));
            }
            return new ClusterPicture(conversation.length, exactBytes, clustered.kvCacheBytes(), layers);
        }
    }

    private static void feed(ChaiSession session, int[] tokens, int from, int end) {
        for (int first = from; first < end; first += SLICE) {
            session.feed(Arrays.copyOfRange(tokens, first, Math.min(end, first + SLICE)));
        }
    }

    private static Layer layer(HeadClusters clusters, HeadGram products) {
        return new Layer(clusters.numberOfClusters(), IntStream.range(0, clusters.numberOfHeads()).mapToObj(head -> {
            int cluster = clusters.member(head);
            int representative = clusters.representative(cluster);
            return new Head(cluster, representative, products.cosineSimilarity(head, representative));
        }).toList());
    }
}
