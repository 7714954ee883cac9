// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Optional;

/**
 * How a model is calibrated.
 *
 * @param membership      how heads will find their clusters
 * @param samples         the most texts whose attention is looked at; half of the texts at most, the others are held
 *                        out
 * @param heldOut         the most texts that quality is measured on; with a budget half of them steer the search, the
 *                        other half verifies what it found
 * @param seed            of everything random: which texts are held out, and where k-means starts
 * @param maxResidual     a layer is redundant if the clusters at its elbow leave at most this share of the features'
 *                        energy unexplained, see {@link io.github.chaijlama.cluster.ErrorCurve#clusters(double)}
 * @param budget          what clusters may cost; empty takes the elbows, whatever they cost
 * @param maxMeasurements the most measurements of whole profiles a search may take
 * @param beyond          whether to go on measuring where the search ended, to where quality breaks
 */
public record CalibrationOptions(MembershipChoice membership, int samples, int heldOut, long seed, double maxResidual,
        Optional<QualityBudget> budget, int maxMeasurements, boolean beyond) {
    /** Default for {@link #samples}. */
    public static final int DEFAULT_SAMPLES = 128;
    /** Default for {@link #heldOut}. */
    public static final int DEFAULT_HELD_OUT = 128;
    /** Within a budget two texts steer the search and two verify it: of a single one there is no standard error. */
    public static final int MIN_HELD_OUT_WITHIN_BUDGET = 4;
    /** Tokens to which longer texts are cut if nobody says how many. */
    public static final int DEFAULT_MAX_TOKENS = 1024;
    /** Default for {@link #seed}. */
    public static final long DEFAULT_SEED = 42;
    /** Default for {@link #maxResidual}. */
    public static final double DEFAULT_MAX_RESIDUAL = 0.1;
    /** Default for {@link #maxMeasurements}. */
    public static final int DEFAULT_MAX_MEASUREMENTS = 1000;

    public CalibrationOptions {
        if (samples < 1 || heldOut < 2 || maxMeasurements < 1) {
            throw new IllegalArgumentException(
                    "there must be at least 1 sample, 2 held-out texts and 1 measurement, found " + samples + ", "
                            + heldOut + " and " + maxMeasurements);
        }
        if (!(maxResidual >= 0) || maxResidual > 1) {
            throw new IllegalArgumentException("the largest residual must be 0 to 1, found " + maxResidual);
        }
    }

    /** Returns the words by which a saved state knows these options again. */
    String key() {
        return "CalibrationOptions[membership=" + membership + ", samples=" + samples + ", heldOut=" + heldOut
                + ", seed=" + seed + ", maxResidual=" + maxResidual + ", budget="
                + budget.map(QualityBudget::toString).orElse("null") + ", maxMeasurements=" + maxMeasurements
                + ", beyond=" + beyond + "]";
    }
}
