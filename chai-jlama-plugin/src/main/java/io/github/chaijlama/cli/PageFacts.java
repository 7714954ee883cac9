// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiVersion;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.KeyFigures;
import io.github.chaijlama.report.KeyValues;
import io.github.chaijlama.report.Note;
import io.github.chaijlama.report.Section;

/**
 * What every page says of the model and of what it ran on, in its first and in its last section.
 *
 * @param model    the model in words
 * @param versions versions of program, libraries, Java and machine
 */
record PageFacts(List<Entry> model, List<Entry> versions) {

    /**
     * Returns the facts about a model that is loaded.
     *
     * @param directory where it was loaded from
     */
    static PageFacts of(ChaiModel model, Path directory) {
        List<Entry> facts = List.of(name(directory), new Entry("Shape", model.config().shape().toString()),
                new Entry("Context", model.config().contextLength() + " tokens"),
                new Entry("Weights",
                        Wording.format("%,d values, %s, %.1f MiB", model.numberOfParameters(), model.weightType(),
                                model.weightBytes() / (double) (1 << 20))),
                new Entry("Fingerprint", model.fingerprint()));
        return new PageFacts(facts,
                versions(List.of(new Entry("Operators", model.operators())), model.options().threads()));
    }

    private static Entry name(Path directory) {
        return new Entry("Name", directory.toAbsolutePath().normalize().getFileName().toString());
    }

    /** Returns the versions of everything, with what more is known of them. */
    static List<Entry> versions(List<Entry> more, int threads) {
        List<Entry> versions = new ArrayList<>(List.of(new Entry("CHAI for Jlama", ChaiVersion.CHAI),
                new Entry("Jlama", ChaiVersion.jlama()),
                new Entry("Java", Runtime.version() + ", " + System.getProperty("java.vm.name"))));
        versions.addAll(more);
        versions.addAll(List.of(new Entry("Attention kernels", KernelProvider.get().description()),
                new Entry("Machine",
                        System.getProperty("os.name") + ", " + System.getProperty("os.arch") + ", "
                                + Runtime.getRuntime().availableProcessors() + " processors"),
                new Entry("Threads", Integer.toString(threads))));
        return versions;
    }

    /**
     * Returns the first section of a page.
     *
     * @param keyFigures the results a hurried reader wants
     * @param remarks    what must not be overlooked
     */
    Section result(List<Entry> keyFigures, List<String> remarks) {
        List<Block> blocks = new ArrayList<>();
        if (!keyFigures.isEmpty()) {
            blocks.add(new KeyFigures(keyFigures));
        }
        remarks.forEach(remark -> blocks.add(new Note(remark)));
        blocks.add(new KeyValues("Model", model));
        return new Section("Result", "", blocks);
    }

    /** Returns the last section of a page. */
    Section settings(List<Entry> settings) {
        return new Section("Settings and versions", "",
                List.of(new KeyValues("Settings", settings), new KeyValues("Versions", versions)));
    }
}
