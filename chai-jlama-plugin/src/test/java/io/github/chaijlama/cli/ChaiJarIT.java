// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/** The jar as users start it. */
class ChaiJarIT {
    private static final Path JAR = Path.of("target/chai.jar");
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();

    @TempDir
    Path directory;

    private record Run(int exitCode, String out, String err) {}

    private static Run run(String java, List<String> options, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(java));
        command.addAll(options);
        command.addAll(List.of("-jar", JAR.toString()));
        command.addAll(List.of(args));
        Path out = Files.createTempFile("chai-it", ".out");
        Path err = Files.createTempFile("chai-it", ".err");
        try {
            Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile())
                    .start();
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ends in time").isTrue();
            return new Run(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8),
                    Files.readString(err, StandardCharsets.UTF_8));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    @Test
    void startsItselfWithTheVectorModule() throws Exception {
        Run run = run(JAVA, List.of("-Xmx512m"), "logits", "--model", GoldenCases.directory("mha").toString(),
                "--tokens", "0,5,9", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.path("logits")).hasSize(256);
        assertThat(json.path("kvCacheBytes").asLong()).isEqualTo(3 * 48 * 16 * 4);
    }

    @Test
    void startsAsItIsWhenTheModuleIsThere() throws Exception {
        Run run = run(JAVA, List.of("--add-modules", "jdk.incubator.vector"), "info", "--model",
                TestModels.POCKET.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Vector API");
    }

    @Test
    void usesJlamasLibraryWhereThereIsOneAndPanamaWhereNot() throws Exception {
        Run run = run(JAVA, List.of(), "info", "--model", TestModels.POCKET.toString(), "--operators", "jlama");
        boolean library = System.getProperty("os.arch").equals("amd64")
                && !System.getProperty("os.name").contains("Mac");
        assertThat(run.out()).contains(library ? "Native SIMD Operations" : "Panama Vector Operations");
        Run panama = run(JAVA, List.of("-Djlama.force_panama_tensor_operations=true"), "info", "--model",
                TestModels.POCKET.toString(), "--operators", "jlama");
        assertThat(panama.out()).as("options reach the second start").contains("Panama Vector Operations");
    }

    /** What the system sends for Ctrl-C, and to end a service. */
    @Test
    void whenItIsStoppedNothingHalfWrittenIsLeft() throws Exception {
        Path model = TestModels.random(directory, TestModels.shape(2048, 8192, 16, 8), 256, "BF16");
        Path target = Files.createDirectory(directory.resolve("target"));
        Process process = new ProcessBuilder(JAVA, "-jar", JAR.toString(), "quantize", "--model", model.toString(),
                "--out", target.resolve("q4").toString(), "--weights", "q4", "--threads", "1").inheritIO().start();
        while (process.isAlive() && target.toFile().list().length == 0) {
            Thread.sleep(1);
        }
        List<ProcessHandle> second = process.descendants().toList();
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ends in time").isTrue();
        for (ProcessHandle child : second) {
            child.onExit().get(60, TimeUnit.SECONDS);
        }
        assertThat(process.exitValue()).as("it was stopped").isNotZero();
        assertThat(target.toFile().list()).isEmpty();
    }

    @Test
    void exitCodesAndMessagesComeThrough() throws Exception {
        Run missing = run(JAVA, List.of(), "info", "--model", "nowhere");
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("model directory nowhere does not exist").doesNotContain("\tat ");
        assertThat(run(JAVA, List.of(), "nonsense").exitCode()).isEqualTo(2);
        assertThat(run(JAVA, List.of(), "--version").out()).startsWith("chai ");
    }

    @Test
    void anOldJavaSaysInASentenceWhatIsNeeded() throws Exception {
        String old = oldJava();
        assumeThat(old).as("a Java from 11 to 21 beside this one").isNotNull();
        Run run = run(old, List.of(), "info", "--model", TestModels.POCKET.toString());
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().strip()).startsWith("chai needs Java 22 or newer, this is Java ").hasLineCount(1);
    }

    /** Looks where this Java lies for an older one. */
    private static String oldJava() throws IOException {
        Path siblings = Path.of(System.getProperty("java.home")).getParent();
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(siblings)) {
            for (Path home : homes) {
                Path release = home.resolve("release");
                Path java = home.resolve("bin").resolve("java");
                if (Files.exists(release) && Files.isExecutable(java)
                        && Files.readString(release).matches("(?s).*JAVA_VERSION=\"(11|17|21)[.\"].*")) {
                    return java.toString();
                }
            }
        }
        return null;
    }
}
