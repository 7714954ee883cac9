// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Jlama's own attention works on files; they go with the model. */
@Tag("alone")
class StockFilesTests {

    @Test
    void stockLeavesNoFiles() throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        List<Path> before = stockDirectories(temporary);
        try (StockModel stock = StockModel.load(GoldenCases.directory("mha"), ChaiOptions.stock())) {
            try (StockSession session = stock.newSession()) {
                session.feed(1, 2, 3);
                assertThat(stockDirectories(temporary)).hasSize(before.size() + 1);
            }
            StockSession left = stock.newSession();
            left.feed(1);
        }
        assertThat(stockDirectories(temporary)).isEqualTo(before);
    }

    private static List<Path> stockDirectories(Path temporary) throws IOException {
        try (var files = Files.list(temporary)) {
            return files.filter(file -> file.getFileName().toString().startsWith("chai-stock")).sorted().toList();
        }
    }
}
