// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Several models in one JVM, with different options: none disturbs another, and each takes with it what it brought. */
class SeveralModelsTests {
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final SyntheticShape SHAPE = TestModels.shape(128, 256, 8, 4);

    @TempDir
    Path directory;

    /** A model of its own directory, rounded to a type. */
    private Path model(String name, SyntheticShape shape, String type) throws IOException {
        Path original = TestModels.random(directory, shape, 512, "F32");
        Path copy = Files.createDirectories(directory.resolve(name));
        Files.copy(original.resolve("config.json"), copy.resolve("config.json"));
        TestWeights.read(original.resolve("model.safetensors")).with(type, _ -> true)
                .write(copy.resolve("model.safetensors"), 0);
        return copy.toRealPath();
    }

    private static List<float[]> run(TokenModel model) {
        List<float[]> logits = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            try (TokenSession session = model.newSession()) {
                session.feed(TestModels.tokens(20 + i, 256, i));
                logits.add(session.feed(i));
            }
        }
        return logits;
    }

    private static void assertSame(List<float[]> found, List<float[]> expected) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(TestModels.maxDifference(found.get(i), expected.get(i))).isLessThan(1e-4);
        }
    }

    @Test
    @Timeout(120)
    void runSideBySideAsEachAlone() throws Exception {
        Path float16 = model("f16", SHAPE, "F16");
        Path bfloat16 = model("bf16", SHAPE, "BF16");
        ClusterProfile profile = new ClusterProfile(ModelConfig.read(float16).shape(), List.of(8, 4, 3),
                Membership.defaults());
        List<TokenModel> models = new ArrayList<>();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            models.add(TokenModel.load(float16, ChaiOptions.exact().with(change -> change.threads(1))));
            models.add(TokenModel.load(float16, ChaiOptions.clustered(profile).with(change -> change.threads(3))));
            models.add(TokenModel.load(bfloat16,
                    ChaiOptions.exact().with(change -> change.weights(WeightType.Q4).threads(2))));
            models.add(TokenModel.load(bfloat16, ChaiOptions.stock().with(change -> change.threads(2))));
            List<List<float[]>> alone = models.stream().map(SeveralModelsTests::run).toList();
            for (int closed = 0; closed < models.size(); closed++) {
                List<Future<List<float[]>>> together = new ArrayList<>();
                for (TokenModel model : models.subList(closed, models.size())) {
                    together.add(threads.submit(() -> run(model)));
                }
                for (int i = 0; i < together.size(); i++) {
                    assertSame(together.get(i).get(), alone.get(closed + i));
                }
                models.get(closed).close();
                TokenModel gone = models.get(closed);
                assertThatThrownBy(() -> gone.newSession().feed(1)).isInstanceOf(IllegalStateException.class);
            }
        } finally {
            models.forEach(TokenModel::close);
        }
    }

    @Test
    void closingOneUnmapsItsFilesAndLeavesTheOthers() throws IOException {
        assumeTrue(Files.exists(MAPS), "what a process maps and holds open is read from /proc, which is not there");
        Path first = model("first", SHAPE, "F16");
        Path second = model("second", SHAPE, "BF16");
        TokenModel a = TokenModel.load(first, ChaiOptions.exact());
        try (TokenModel b = TokenModel.load(second, ChaiOptions.exact())) {
            List<float[]> before = run(b);
            run(a);
            assertThat(mapped(first)).isTrue();
            assertThat(mapped(second)).isTrue();
            assertThat(open(directory)).as("a mapping needs no open file").isEmpty();
            a.close();
            assertThat(mapped(first)).isFalse();
            assertThat(mapped(second)).isTrue();
            assertSame(run(b), before);
        } finally {
            a.close();
        }
        assertThat(mapped(second)).isFalse();
        assertThat(open(directory)).isEmpty();
    }

    @Test
    void aLoadThatFailsUnmapsItsFiles() throws IOException {
        assumeTrue(Files.exists(MAPS), "what a process maps is read from /proc, which is not there");
        Path model = model("broken", SHAPE, "BF16");
        Path config = model.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"num_hidden_layers\" : 3",
                "\"num_hidden_layers\" : 4"));
        assertThatThrownBy(() -> TokenModel.load(model, ChaiOptions.exact())).hasMessageContaining("model.layers.3");
        assertThat(mapped(model)).isFalse();
        assertThat(open(model)).isEmpty();
    }

    /** 10 million weights, converted to 40 MB: loaded and closed again and again they take that once. */
    @Test
    void convertedWeightsAreFreed() throws IOException {
        assumeTrue(Files.exists(MAPS), "the memory of a process is read from /proc, which is not there");
        Path model = model("large", TestModels.shape(512, 1408, 8, 8), "F16");
        List<Long> resident = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            // Jlama's operators cannot multiply with F16.
            try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact(Operators.JLAMA));
                    ChaiSession session = chai.newSession()) {
                session.feed(1, 2, 3);
                assertThat(chai.weightBytes()).isGreaterThan(39_000_000);
            }
            resident.add(residentBytes());
        }
        System.out.println("resident bytes after each model of 40 MB was closed: " + resident);
        assertThat(resident.getLast() - resident.get(2)).isLessThan(40_000_000);
    }

    private static boolean mapped(Path model) throws IOException {
        return Files.readAllLines(MAPS).stream().anyMatch(line -> line.contains(model.toString()));
    }

    private static List<Path> open(Path model) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                if (Files.isSymbolicLink(descriptor)) { // the one of this loop is gone
                    files.add(Files.readSymbolicLink(descriptor));
                }
            }
        }
        return files.stream().filter(file -> file.toString().startsWith(model.toString())).toList();
    }

    private static long residentBytes() throws IOException {
        System.gc();
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst().orElseThrow();
    }
}
