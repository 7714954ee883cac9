// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.report.Numbers;

/** Profiles and measured values in words. */
final class Wording {

    private Wording() {}

    static String membership(Membership membership) {
        return switch (membership) {
            case Membership.Static _ -> "STATIC";
            case Membership.Prompt prompt -> "PROMPT, " + prompt.algorithm() + ", " + prompt.representative();
            case Membership.Online online -> "ONLINE, window " + online.window() + ", offset " + online.offset()
                    + ", " + online.algorithm() + ", " + online.representative();
        };
    }

    /** Returns the counts of layers, runs of equal ones in short: {@code 18 x 32, 14 x 4}. */
    static String clusters(ClusterProfile profile) {
        List<Integer> counts = profile.clusters();
        if (counts.size() <= 16) {
            return counts.stream().map(String::valueOf).collect(Collectors.joining(", "));
        }
        StringBuilder runs = new StringBuilder();
        for (int from = 0; from < counts.size();) {
            int to = from;
            while (to < counts.size() && counts.get(to).equals(counts.get(from))) {
                to++;
            }
            runs.append(runs.isEmpty() ? "" : ", ").append(to - from).append(" x ").append(counts.get(from));
            from = to;
        }
        return runs.toString();
    }

    /** Returns what becomes of answers of a kind. */
    static String answers(AnswerLoss loss) {
        String kind = switch (loss.kind()) {
            case FIRST_MESSAGE -> "to short first messages";
            case STRUCTURED -> "that are calls of tools or JSON";
        };
        return loss.answers() + " " + kind + ", " + loss.broken() + " broken, " + (loss.changed() - loss.broken())
                + " in other words";
    }

    /** Returns a value and, where it is known, its standard error. */
    static String estimate(Estimate measured, int decimals) {
        return Numbers.fixed(measured.value(), decimals) + (Double.isFinite(measured.standardError())
                ? " ± " + Numbers.fixed(measured.standardError(), decimals)
                : "");
    }

    /** Returns a value and, where it is known, its standard error, both in a hundredth of their unit. */
    static String percent(Estimate measured, int decimals) {
        return estimate(inPercent(measured), decimals);
    }

    /** Returns an estimate in a hundredth of its unit. */
    static Estimate inPercent(Estimate measured) {
        return new Estimate(100 * measured.value(), 100 * measured.standardError());
    }

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
