// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.util.Arrays;
import java.util.SplittableRandom;

import static io.github.chaijlama.kernel.Block.GUARD;
import static io.github.chaijlama.kernel.Block.PAD;
import static org.assertj.core.api.Assertions.assertThat;

/** As {@link Block}, in a Java array. */
final class Tile {
    final float[] array;

    Tile(int length) {
        array = new float[length + 2 * PAD];
        Arrays.fill(array, 0, PAD, GUARD);
        Arrays.fill(array, PAD + length, array.length, GUARD);
    }

    Tile(int length, Values values, int seed) {
        this(length);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < length; i++) {
            set(i, values.next(random));
        }
    }

    float get(int i) {
        return array[PAD + i];
    }

    void set(int i, float value) {
        array[PAD + i] = value;
    }

    void assertGuardsIntact() {
        for (int i = 0; i < PAD; i++) {
            assertThat(array[i]).isEqualTo(GUARD);
            assertThat(array[array.length - 1 - i]).isEqualTo(GUARD);
        }
    }
}
