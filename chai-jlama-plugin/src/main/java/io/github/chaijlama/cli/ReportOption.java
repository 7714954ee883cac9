// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.report.HtmlReport;
import io.github.chaijlama.report.Report;

/** The option of commands that can write what they found as a page. */
final class ReportOption {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--report", paramLabel = "FILE", description = "also write a report: one HTML file that loads "
            + "nothing")
    private @Nullable Path file;

    /** Whether a report was asked for. */
    boolean isPresent() {
        return file != null;
    }

    /** Finds mistakes before the work begins. */
    void check() {
        if (file != null && !canExist(file)) {
            throw new ParameterException(command.commandLine(),
                    "--report must name a file in a directory that exists, found " + file);
        }
    }

    /** Whether there can be a file of this name: in a directory that exists, and none itself. */
    static boolean canExist(Path file) {
        Path directory = file.toAbsolutePath().getParent();
        return directory != null && Files.isDirectory(directory) && !Files.isDirectory(file);
    }

    /**
     * Writes the report, if one was asked for.
     *
     * @throws ReportException if it cannot be written
     */
    void write(Supplier<Report> report) {
        if (file == null) {
            return;
        }
        try {
            HtmlReport.write(report.get(), file);
        } catch (IOException e) {
            throw new ReportException(e);
        }
        command.commandLine().getErr().println("report: " + file);
        command.commandLine().getErr().flush();
    }
}
