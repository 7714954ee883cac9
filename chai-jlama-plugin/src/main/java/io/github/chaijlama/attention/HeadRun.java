// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.ArrayList;
import java.util.List;

/**
 * Neighbouring heads, which are neighbouring rows of a weight matrix: one matrix product projects them all.
 *
 * @param first first head
 * @param count heads, at least 1
 */
public record HeadRun(int first, int count) {

    /** Returns the runs of a sorted list of different heads. */
    static List<HeadRun> of(int[] heads) {
        List<HeadRun> runs = new ArrayList<>();
        int first = 0;
        for (int i = 1; i <= heads.length; i++) {
            if (i == heads.length || heads[i] != heads[i - 1] + 1) {
                runs.add(new HeadRun(heads[first], i - first));
                first = i;
            }
        }
        return List.copyOf(runs);
    }
}
