// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

import io.github.chaijlama.ChaiVersion;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.blas.BlasNotFoundException;
import io.github.chaijlama.calibrate.CalibrationException;
import io.github.chaijlama.evaluate.EvaluationException;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.KvCacheTooSmallException;
import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ProfileException;
import io.github.chaijlama.template.ChatTemplateException;

/**
 * The {@code chai} command. Results go to standard output, progress and logs to standard error; the exit code is 0, 1
 * for a run that failed, 2 for bad usage.
 */
@Command(name = "chai", mixinStandardHelpOptions = true, version = "chai "
        + ChaiVersion.CHAI, description = "Clustered head attention for Jlama models.",
        synopsisSubcommandLabel = "COMMAND", subcommands = {
                InfoCommand.class, GenerateCommand.class, LogitsCommand.class, CalibrateCommand.class,
                CompareCommand.class,
                EvaluateCommand.class,
                BenchCommand.class })
public final class ChaiCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Option(names = "--verbose", scope = CommandLine.ScopeType.INHERIT, description = "log to standard error")
    void verbose(boolean verbose) {
        if (verbose) {
            setLogLevel("info");
        }
    }

    /** Runs the command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        if (System.getProperty(LOG_LEVEL) == null) {
            setLogLevel("warn");
            System.setProperty(TOKENIZER_LOG_LEVEL, "error");
        }
        System.exit(run(args));
    }

    /** Runs the command and returns its exit code. */
    static int run(String... args) {
        return commandLine().execute(args);
    }

    static CommandLine commandLine() {
        return new CommandLine(new ChaiCommand()).setCaseInsensitiveEnumValuesAllowed(true)
                .setExpandAtFiles(false) // a message may begin with @
                .setExecutionExceptionHandler(ChaiCommand::explain);
    }

    /** Without a subcommand there is nothing to do. */
    @Override
    public void run() {
        throw new ParameterException(command.commandLine(), "a command is missing");
    }

    private static final String LOG_LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";
    /**
     * The tokenizer library warns of a GPU it cannot use, on machines that have one half installed; it is not asked to
     * use one.
     */
    private static final String TOKENIZER_LOG_LEVEL = "org.slf4j.simpleLogger.log.ai.djl";

    private static void setLogLevel(String level) {
        System.setProperty(LOG_LEVEL, level);
    }

    /** A user's mistake is one sentence; anything else is a defect and shows where. */
    private static int explain(Exception exception, CommandLine commandLine, CommandLine.ParseResult parsed)
            throws Exception {
        PrintWriter err = commandLine.getErr();
        switch (exception) {
            case ModelLoadException e -> err.println("chai: " + e.getMessage());
            case BlasNotFoundException e -> err.println("chai: " + e.getMessage());
            case ProfileException e -> err.println("chai: " + e.getMessage());
            case ContextLengthException e -> err.println("chai: " + e.getMessage());
            case KvCacheFullException e -> err.println("chai: " + e.getMessage());
            case KvCacheTooSmallException e -> err.println("chai: " + e.getMessage());
            case BrokenModelException e -> err.println("chai: " + e.getMessage());
            case CalibrationException e -> err.println("chai: " + e.getMessage());
            case EvaluationException e -> err.println("chai: " + e.getMessage());
            case ReportException e -> err.println("chai: " + e.getMessage());
            case ChatTemplateException e -> err.println("chai: " + e.getMessage());
            default -> {
                err.println("chai: unexpected error, please report it:");
                exception.printStackTrace(err);
            }
        }
        return CommandLine.ExitCode.SOFTWARE;
    }
}
