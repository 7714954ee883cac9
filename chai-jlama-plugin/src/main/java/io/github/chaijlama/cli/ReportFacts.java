// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiVersion;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Estimate;

/** What reports say about a model, this machine and numbers. */
final class ReportFacts {

    private ReportFacts() {}

    static List<Entry> model(ChaiModel model, Path directory) {
        return List.of(new Entry("Name", directory.toAbsolutePath().normalize().getFileName().toString()),
                new Entry("Shape", model.config().shape().toString()),
                new Entry("Context", model.config().contextLength() + " tokens"),
                new Entry("Weights",
                        format("%,d values, %s, %.1f MiB", model.numberOfParameters(), model.weightType(),
                                model.weightBytes() / (double) (1 << 20))),
                new Entry("Fingerprint", model.fingerprint()));
    }

    static List<Entry> versions(ChaiModel model) {
        return List.of(new Entry("CHAI for Jlama", ChaiVersion.CHAI), new Entry("Jlama", ChaiVersion.jlama()),
                new Entry("Java", Runtime.version() + ", " + System.getProperty("java.vm.name")),
                new Entry("Operators", model.operators()),
                new Entry("Attention kernels", KernelProvider.get().description()),
                new Entry("Machine",
                        System.getProperty("os.name") + ", " + System.getProperty("os.arch") + ", "
                                + Runtime.getRuntime().availableProcessors() + " processors"),
                new Entry("Threads", Integer.toString(model.options().threads())));
    }

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

    static Estimate estimate(io.github.chaijlama.evaluate.Estimate measured) {
        return new Estimate(measured.value(), measured.standardError());
    }

    /** Returns a value and, where it is known, its standard error, both in a hundredth of their unit. */
    static String percent(io.github.chaijlama.evaluate.Estimate measured, int decimals) {
        String number = "%." + decimals + "f";
        String error = Double.isFinite(measured.standardError())
                ? format(" ± " + number, 100 * measured.standardError())
                : "";
        return format(number, 100 * measured.value()) + error;
    }

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
