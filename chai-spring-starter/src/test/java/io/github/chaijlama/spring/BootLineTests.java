// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.asking.AskingApplication;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A short start on each line of Spring Boot, in a JVM of its own. What users resolve is tried with {@code -Plong}; here
 * the build has put the older line's jars into {@code target/spring-boot-3}.
 */
@Timeout(180)
class BootLineTests {
    private static final Path OLDER = Path.of("target", "spring-boot-3");

    @TempDir
    private Path directory;

    /** Returns the class path of this JVM without Spring. */
    private static List<String> withoutSpring() {
        return List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
                .filter(entry -> !new File(entry).getName().startsWith("spring-")).toList();
    }

    private String run(String classPath) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", classPath,
                AskingApplication.class.getName(), "--chai.model.path=" + Pocket.MODEL,
                "--chai.profile=" + Pocket.PROFILE, "--chai.models.second.path=" + Pocket.MODEL,
                "--chai.chat.max-output-tokens=8").redirectErrorStream(true).redirectOutput(out.toFile());
        builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
        Process process = builder.start();
        try {
            assertThat(process.waitFor(150, TimeUnit.SECONDS)).as("ends in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String text = Files.readString(out);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }

    private static void assertThatBothAnswer(String out) {
        assertThat(out).containsPattern("chaiChatModel: \\w+").containsPattern("secondChatModel: \\w+");
    }

    @Test
    void startsAndAnswersOnSpringBoot4() throws Exception {
        String out = run(System.getProperty("java.class.path"));
        assertThat(out).contains("Spring Boot 4.1.");
        assertThatBothAnswer(out);
    }

    @Test
    void startsAndAnswersOnSpringBoot3() throws Exception {
        List<String> classPath = new ArrayList<>(withoutSpring());
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(OLDER, "*.jar")) {
            jars.forEach(jar -> classPath.add(jar.toString()));
        }
        String out = run(String.join(File.pathSeparator, classPath));
        assertThat(out).contains("Spring Boot 3.5.");
        assertThatBothAnswer(out);
    }
}
