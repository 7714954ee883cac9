// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/** The angles by which a head's pairs of values turn from one position to the next, in radians. Immutable. */
public final class RotaryFrequencies {
    private final double[] frequencies;
    private final double amplitude;

    /** Changes a pair's frequency. */
    @FunctionalInterface
    interface Change {
        double apply(int pair, double frequency);
    }

    /**
     * Creates frequencies.
     *
     * @param frequencies a value per pair
     * @param amplitude   factor of cosines and sines, 1 for a pure rotation
     */
    RotaryFrequencies(double[] frequencies, double amplitude) {
        this.frequencies = frequencies.clone();
        this.amplitude = amplitude;
    }

    /** Returns the number of pairs, half the size of a head. */
    public int pairs() {
        return frequencies.length;
    }

    /** Returns a pair's angle. */
    public double frequency(int pair) {
        return frequencies[pair];
    }

    /** Returns the factor of cosines and sines, 1 for a pure rotation. */
    public double amplitude() {
        return amplitude;
    }

    double[] toArray() {
        return frequencies.clone();
    }

    RotaryFrequencies map(Change change) {
        double[] changed = new double[frequencies.length];
        for (int i = 0; i < changed.length; i++) {
            changed[i] = change.apply(i, frequencies[i]);
        }
        return new RotaryFrequencies(changed, amplitude);
    }
}
