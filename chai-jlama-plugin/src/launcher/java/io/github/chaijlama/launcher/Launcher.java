// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.launcher;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Starts the {@code chai} command on a Java that can run it. Compiled for Java 11, so that an older Java than the
 * command needs says so in a sentence instead of a stack trace. When this Java is new enough but was started without
 * the vector module, the same Java is started again with it: options, streams and exit code are the same.
 */
public final class Launcher {
    private static final int REQUIRED_JAVA = 22;
    private static final int BAD_USAGE = 2;
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String COMMAND = "io.github.chaijlama.cli.ChaiCommand";

    private Launcher() {}

    /** Runs the command. */
    public static void main(String[] args) throws Exception {
        int java = Runtime.version().feature();
        if (java < REQUIRED_JAVA) {
            System.err.println("chai needs Java " + REQUIRED_JAVA + " or newer, this is Java " + java + " in "
                    + System.getProperty("java.home"));
            System.exit(BAD_USAGE);
        } else if (ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()) {
            Class.forName(COMMAND).getMethod("main", String[].class).invoke(null, (Object) args);
        } else {
            System.exit(restart(java, args));
        }
    }

    /** A debugger's port is taken by this JVM. */
    private static boolean isDebugger(String option) {
        return option.startsWith("-agentlib:jdwp") || option.startsWith("-Xrunjdwp");
    }

    private static int restart(int java, String[] args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (!isDebugger(option)) {
                command.add(option);
            }
        }
        command.add("--add-modules=" + VECTOR_MODULE);
        command.add("--enable-native-access=ALL-UNNAMED");
        if (java >= 23) {
            // Jlama uses it; without, every start prints a warning
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(COMMAND);
        command.addAll(Arrays.asList(args));
        Process process = new ProcessBuilder(command).inheritIO().start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        return process.waitFor();
    }
}
