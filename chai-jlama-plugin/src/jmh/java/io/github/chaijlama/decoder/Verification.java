// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvType;

/** What a layer must satisfy before it is timed. */
final class Verification {
    static final int TOKENS = 300;
    /**
     * A multiple of five: of other batches Jlama's own attention leaves corners of its matrix products out, see {@link
     * io.github.chaijlama.jlama.JlamaProducts}.
     */
    private static final int BATCH = 50;
    private static final double TOLERANCE = 1e-4;
    /** Of keys and values with 8 or 7 bits. */
    private static final double ROUNDED_TOLERANCE = 1e-3;

    private Verification() {}

    /** Checks one more token after {@value #TOKENS} against the definition of attention in double. */
    static void requireRight(AttentionLayer layer, AttentionMode arm, KvType type) {
        double tolerance = type == KvType.F32 ? TOLERANCE : ROUNDED_TOLERANCE;
        for (int position = 0; position < TOKENS; position += BATCH) {
            layer.run(position, BATCH);
        }
        float[] row = layer.lastRow(TOKENS);
        double[] expected = layer.referenceRow(TOKENS);
        for (int i = 0; i < row.length; i++) {
            if (!(Math.abs(row[i] - expected[i]) < tolerance)) {
                throw new IllegalStateException(
                        arm + " attention gives " + row[i] + " for value " + i + ", expected " + expected[i]);
            }
        }
        if (arm == AttentionMode.CLUSTERED && layer.numberOfClusters() != AttentionLayer.CLUSTERS) {
            throw new IllegalStateException("clustered attention has " + layer.numberOfClusters()
                    + " clusters, expected " + AttentionLayer.CLUSTERS);
        }
    }
}
