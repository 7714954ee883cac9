// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Texts divided by a seed, so that what was fitted on some is measured on others.
 *
 * @param samples texts whose attention is looked at
 * @param search  held-out texts that a search is steered by
 * @param verify  held-out texts that nothing is chosen on but whether to accept what was found
 */
record TextSplit(List<int[]> samples, List<int[]> search, List<int[]> verify) {

    /**
     * Divides texts.
     *
     * @throws CalibrationException if there are too few
     */
    static TextSplit of(List<int[]> texts, CalibrationOptions options) {
        int needed = options.budget() == null ? 2 : 4;
        if (texts.size() < needed) {
            throw new CalibrationException("calibration" + (options.budget() == null ? "" : " within a budget")
                    + " needs at least " + needed + " texts, found " + texts.size()
                    + ": quality is measured on texts that were held out");
        }
        List<int[]> shuffled = new ArrayList<>(texts);
        Collections.shuffle(shuffled, new Random(options.seed()));
        int samples = Math.min(options.samples(), texts.size() / 2);
        List<int[]> heldOut = shuffled.subList(samples, Math.min(texts.size(), samples + options.heldOut()));
        int exact = options.membership().exactTokens();
        List<int[]> usable = heldOut.stream().filter(text -> text.length > exact).toList();
        if (usable.size() < needed / 2) {
            throw new CalibrationException("the texts are too short: " + usable.size() + " of " + heldOut.size()
                    + " held-out texts have more than the " + exact
                    + " tokens that stay exact (membership window and offset), expected at least " + needed / 2);
        }
        if (options.budget() != null && usable.size() < 4) {
            // Two steer the search and two verify it: of a single one there is no standard error.
            throw new CalibrationException("a budget is measured on at least 4 held-out texts, found " + usable.size()
                    + ": at most half of the " + texts.size() + " texts are looked at, the others held out");
        }
        int steering = options.budget() == null ? 0 : usable.size() / 2;
        return new TextSplit(List.copyOf(shuffled.subList(0, samples)), usable.subList(0, steering),
                usable.subList(steering, usable.size()));
    }
}
