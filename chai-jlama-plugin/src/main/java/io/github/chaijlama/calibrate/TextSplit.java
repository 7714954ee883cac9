// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Texts divided by a seed, so that what was fitted on some is measured on others; each list holds indexes of texts.
 *
 * @param samples texts whose attention is looked at
 * @param search  held-out texts that a search is steered by
 * @param verify  held-out texts that nothing is chosen on but whether to accept what was found
 */
record TextSplit(List<Integer> samples, List<Integer> search, List<Integer> verify) {

    /**
     * Divides texts.
     *
     * @throws CalibrationException if there are too few
     */
    static TextSplit of(List<int[]> texts, CalibrationOptions options) {
        boolean withinBudget = options.budget().isPresent();
        int needed = withinBudget ? 4 : 2;
        if (texts.size() < needed) {
            throw new CalibrationException("calibration" + (withinBudget ? " within a budget" : "")
                    + " needs at least " + needed + " texts, found " + texts.size()
                    + ": quality is measured on texts that were held out");
        }
        SeededSplit<Integer> split = SeededSplit.of(IntStream.range(0, texts.size()).boxed().toList(),
                options.samples(), options.heldOut(), options.seed());
        int exact = options.membership().exactTokens();
        List<Integer> usable = split.measured().stream().filter(text -> texts.get(text).length > exact).toList();
        if (usable.size() < needed / 2) {
            throw new CalibrationException("the texts are too short: " + usable.size() + " of "
                    + split.measured().size() + " held-out texts have more than the " + exact
                    + " tokens that stay exact (membership window and offset), expected at least " + needed / 2);
        }
        if (withinBudget && usable.size() < CalibrationOptions.MIN_HELD_OUT_WITHIN_BUDGET) {
            throw new CalibrationException("a budget is measured on at least "
                    + CalibrationOptions.MIN_HELD_OUT_WITHIN_BUDGET + " held-out texts, found " + usable.size()
                    + ": at most half of the " + texts.size() + " texts are looked at, the others held out");
        }
        int steering = withinBudget ? usable.size() / 2 : 0;
        return new TextSplit(split.fitted(), usable.subList(0, steering), usable.subList(steering, usable.size()));
    }
}
