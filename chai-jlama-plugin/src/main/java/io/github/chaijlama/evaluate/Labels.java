// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads files of labels: the index of the right choice on each line. */
final class Labels {

    private Labels() {}

    /**
     * Reads a file.
     *
     * @throws EvaluationException if it is missing or unreadable, or a line is not an index: the labels behind a line
     *                             that is skipped would belong to other tasks
     */
    static List<Integer> read(Path file) {
        return DataFiles.read(file, in -> read(in, file.toString()));
    }

    private static List<Integer> read(InputStream in, String source) {
        LineReader lines = new LineReader(in, source, 0, line -> {});
        List<Integer> labels = new ArrayList<>();
        for (Optional<String> next = lines.next(); next.isPresent(); next = lines.next()) {
            String line = next.get().strip();
            if (!line.isEmpty()) {
                if (!line.matches("\\d{1,3}")) {
                    throw new EvaluationException(source + ", line " + lines.line()
                            + ": expected the index of the right choice, found something else");
                }
                labels.add(Integer.parseInt(line));
            }
        }
        return labels;
    }
}
