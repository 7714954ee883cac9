// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.tiny.TinyApplication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What somebody reads whose application does not start. */
@Timeout(180)
class StartupFailureTests {

    /** Returns a failure as Spring Boot prints it. */
    private static String printed(String description, String action) {
        return """
                ***************************
                APPLICATION FAILED TO START
                ***************************

                Description:

                %s

                Action:

                %s
                """.formatted(description, action);
    }

    /** Starts an application that cannot start, in this JVM, and returns what it prints. */
    private static String printedByFailing(String... args) {
        try (Output output = new Output()) {
            assertThatThrownBy(() -> SpringApplication.run(TinyApplication.class, args));
            return output.text();
        }
    }

    @Test
    void aMissingModelIsPrintedWithWhatToDo() {
        assertThat(printedByFailing("--chai.model.path=classpath:nowhere")).contains(printed(
                "There is no model to load: chai.model.path is 'classpath:nowhere': there is no such directory with a "
                        + "config.json "
                        + "on the class path.",
                "Correct chai.model.path: a directory with config.json, tokenizer.json and model.safetensors, or "
                        + "classpath: and "
                        + "the name of such a directory on the class path."))
                .doesNotContain("\tat ");
    }

    @Test
    void aProfileOfAnotherModelIsPrintedWithWhatToDo(@TempDir Path directory) throws IOException {
        Path profile = Files.writeString(directory.resolve("other.json"), """
                {"format": "chai-profile/1", "clusters": [2], "membership": {"kind": "ONLINE"},
                 "model": {"type": "llama", "layers": 1, "heads": 4, "kvHeads": 4, "headSize": 8}}""");
        assertThat(printedByFailing("--chai.model.path=" + Pocket.MODEL, "--chai.profile=" + profile))
                .contains("APPLICATION FAILED TO START")
                .containsPattern(
                        "Description:\n\nThe cluster profile cannot be used: .*1 layers, 4 heads.*6 layers, 8 heads")
                .contains(
                        "Action:\n\nSet chai.profile to a profile that was made for this model, or chai.enabled to "
                                + "false to "
                                + "run it with exact attention.\n")
                .doesNotContain("\tat ");
    }

    private record Run(int exitCode, String out) {}

    private static Run java(List<String> options, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), TinyApplication.class.getName()));
        command.addAll(List.of(args));
        Path out = Files.createTempFile("chai-start", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(out.toFile());
            // They would add the module that this is about.
            builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
            Process process = builder.start();
            try {
                assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ends in time").isTrue();
            } finally {
                process.destroyForcibly();
            }
            return new Run(process.exitValue(), Files.readString(out).replace("\r\n", "\n"));
        } finally {
            Files.delete(out);
        }
    }

    @Test
    void withoutTheVectorModuleTheApplicationEndsAndSaysHowToStartIt() throws Exception {
        Run run = java(List.of(), "--chai.model.path=" + Pocket.MODEL);
        assertThat(run.exitCode()).as(run.out()).isEqualTo(1);
        assertThat(run.out()).contains("APPLICATION FAILED TO START")
                .contains("Description:\n\nThe model cannot be loaded: the JVM was started without the module "
                        + "jdk.incubator.vector.\n")
                .contains("Action:\n\nStart Java with --add-modules jdk.incubator.vector "
                        + "--enable-native-access=ALL-UNNAMED:\n")
                .doesNotContain("\tat ").doesNotContain("NoClassDefFoundError");
    }

    /** What the test above starts does start when it is told the module; without a web server it ends, too. */
    @Test
    void withTheVectorModuleTheSameApplicationStarts() throws Exception {
        Run run = java(List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"),
                "--chai.model.path=" + Pocket.MODEL, "--spring.main.web-application-type=none");
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out()).contains("Started TinyApplication");
    }
}
