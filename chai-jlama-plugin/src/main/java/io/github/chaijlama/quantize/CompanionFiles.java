// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What belongs to a model beside its weights: configuration, tokenizer, chat template, description, licence. Weights of
 * any kind are left behind, and directories, and hidden files.
 */
final class CompanionFiles {
    private static final List<String> ENDINGS = List.of(".json", ".jinja", ".txt", ".md", ".model");
    private static final List<String> LEGAL = List.of("LICENSE", "LICENCE", "NOTICE", "USE_POLICY");
    /** Of weights in other formats, and of shards. */
    private static final String INDEX_ENDING = ".index.json";

    private CompanionFiles() {}

    /** Copies the files of a model, links as what they lead to. */
    static void copy(Path model, Path directory) throws IOException {
        for (Path file : list(model)) {
            Files.copy(file, directory.resolve(file.getFileName()));
        }
    }

    private static List<Path> list(Path model) throws IOException {
        try (Stream<Path> files = Files.list(model)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> belongs(file.getFileName().toString())).sorted().toList();
        }
    }

    private static boolean belongs(String name) {
        return !name.startsWith(".")
                && !name.endsWith(INDEX_ENDING)
                && (ENDINGS.stream().anyMatch(name::endsWith) || LEGAL.stream().anyMatch(name::startsWith));
    }
}
