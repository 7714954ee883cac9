// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

import io.github.chaijlama.model.ModelLoadException;

/** What is wrong with the tensors of a model: what is wrong with many of them is one sentence. Not thread-safe. */
final class TensorProblems {
    private static final int NAMED = 4;

    private final Path directory;
    private final Set<String> missing = new LinkedHashSet<>();
    private final Set<String> wrong = new LinkedHashSet<>();

    TensorProblems(Path directory) {
        this.directory = directory;
    }

    /** Adds a tensor that cannot be used. */
    void add(String tensor, boolean isThere, ModelLoadException why) {
        String message = String.valueOf(why.getMessage());
        if (!isThere && message.startsWith(directory + " has no tensor ")) {
            missing.add(tensor);
        } else {
            wrong.add(message);
        }
    }

    /** Returns all of it as sentences, and which tensors nothing would be computed with. */
    List<String> with(Supplier<List<String>> unused) {
        List<String> problems = new ArrayList<>();
        wrong.stream().limit(NAMED).forEach(problems::add);
        if (wrong.size() > NAMED) {
            problems.add(directory + ": " + (wrong.size() - NAMED) + " more tensors are not as config.json asks for");
        }
        name(problems, missing, "that config.json asks for and the files do not have");
        if (wrong.isEmpty()) {
            name(problems, unused.get(), "that config.json does not ask for, and that would be ignored");
        }
        return problems;
    }

    private void name(List<String> problems, Collection<String> tensors, String what) {
        if (!tensors.isEmpty()) {
            problems.add(directory + ": " + tensors.size() + (tensors.size() == 1 ? " tensor " : " tensors ") + what
                    + ": " + String.join(", ", tensors.stream().limit(NAMED).toList())
                    + (tensors.size() > NAMED ? ", ..." : ""));
        }
    }
}
