// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.TokenSession;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Models damaged at random, reproducibly. Whatever is done to config.json, to the header of the weights or to the
 * weights: a load is refused with a {@link ModelLoadException}, or ends in finite logits or a
 * {@link BrokenModelException}; soon, and without taking memory that the files do not justify.
 */
class LoadFuzzTests {
    private static final long SECONDS = 60;
    private static final long MAX_ALLOCATED = 64 << 20;
    private static final long MAX_RESIDENT_GROWTH = 512 << 20;
    private static final int MAX_MESSAGE = 1500;
    /** Set to a round's number to run only that one. */
    private static final Integer ONLY = Integer.getInteger("fuzz.round");

    @TempDir
    Path directory;

    /** A model as its files. */
    private record ModelFiles(byte[] config, byte[] header, byte[] data) {

        static ModelFiles read(Path model) throws IOException {
            byte[] file = Files.readAllBytes(model.resolve("model.safetensors"));
            int data = Math.toIntExact(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong()) + Long.BYTES;
            return new ModelFiles(Files.readAllBytes(model.resolve("config.json")),
                    Arrays.copyOfRange(file, Long.BYTES, data), Arrays.copyOfRange(file, data, file.length));
        }

        void write(Path model, long headerLength) throws IOException {
            Files.write(model.resolve("config.json"), config);
            Files.write(model.resolve("model.safetensors"),
                    ByteBuffer.allocate(Long.BYTES + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(headerLength).put(header).put(data).array());
        }
    }

    private List<ModelFiles> originals() throws IOException {
        Path model = TestModels.random(directory, TestModels.shape(64, 96, 4, 2), 64, "F32");
        ModelFiles floats = ModelFiles.read(model);
        TestWeights weights = TestWeights.read(model.resolve("model.safetensors"));
        weights.with("F16", _ -> true).write(model.resolve("model.safetensors"), 0);
        ModelFiles halves = ModelFiles.read(model);
        weights.with("BF16", name -> !name.contains("norm")).write(model.resolve("model.safetensors"), 0);
        ModelFiles mixed = ModelFiles.read(model);
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        Files.writeString(model.resolve("README.md"), "");
        Path quantized = directory.resolve("quantized");
        SafeTensorSupport.quantizeModel(model, DType.Q4, new String[]{ "norm" }, null, Optional.of(quantized));
        return List.of(floats, halves, mixed, ModelFiles.read(quantized));
    }

    @Test
    void aFewHundredRounds() throws Exception {
        fuzz(0, 400);
    }

    @Test
    @Tag("long")
    void tenThousandRounds() throws Exception {
        fuzz(1000, 10_000);
    }

    private void fuzz(int first, int rounds) throws Exception {
        List<ModelFiles> originals = originals();
        Path model = Files.createDirectories(directory.resolve("damaged"));
        Map<String, Integer> outcomes = new TreeMap<>();
        List<String> failures = new ArrayList<>();
        long residentBefore = 0;
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            for (int round = ONLY != null ? ONLY : first; round < (ONLY != null ? ONLY + 1 : first + rounds); round++) {
                Mutations mutations = new Mutations(round);
                ModelFiles original = originals.get(mutations.random().nextInt(originals.size()));
                boolean generation = damage(original, mutations, model);
                boolean stock = mutations.random().nextInt(8) == 0;
                ChaiOptions options = options(stock,
                        mutations.random().nextInt(4) == 0 ? WeightType.Q4 : WeightType.STORED);
                try {
                    String outcome = thread.submit(() -> load(model, options)).get(SECONDS, TimeUnit.SECONDS);
                    outcomes.merge(outcome, 1, Integer::sum);
                } catch (TimeoutException e) {
                    Thread.getAllStackTraces().forEach((t, s) -> System.out.println(t + " " + Arrays.toString(s)));
                    throw new AssertionError("round " + round + " hangs: " + mutations, e);
                } catch (Exception | Error e) {
                    failures.add("round " + round + ": " + mutations + "\n" + describe(e));
                } finally {
                    if (generation) {
                        Files.delete(model.resolve("generation_config.json"));
                    }
                }
                if (round == first + 100) {
                    residentBefore = residentBytes();
                }
            }
        }
        System.out.println(rounds + " rounds: " + outcomes + ", resident bytes " + residentBefore + " then "
                + residentBytes());
        assertThat(failures).isEmpty();
        if (ONLY == null) {
            assertThat(outcomes).containsKeys("refused", "finite logits");
            assertThat(residentBytes() - residentBefore).isLessThan(MAX_RESIDENT_GROWTH);
        }
    }

    private static String describe(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** Returns whether a generation_config.json was written. */
    private static boolean damage(ModelFiles original, Mutations mutations, Path model) throws IOException {
        int where = mutations.random().nextInt(100);
        byte[] config = where < 45 || where >= 90 ? mutations.damage(original.config()) : original.config();
        byte[] header = where >= 45 && where < 75 || where >= 90 ? mutations.damage(original.header())
                : original.header();
        byte[] data = where >= 75 && where < 85 ? mutations.damageWeights(original.data()) : original.data();
        long headerLength = header.length;
        if (where >= 85 && where < 90) {
            data = Arrays.copyOf(data, mutations.random().nextInt(2 * data.length));
            headerLength = mutations.random().nextBoolean() ? headerLength
                    : headerLength ^ 1L << mutations.random().nextInt(64);
        }
        new ModelFiles(config, header, data).write(model, headerLength);
        if (mutations.random().nextInt(10) == 0) {
            Files.write(model.resolve("generation_config.json"),
                    mutations.damage(
                            "{\"eos_token_id\": [1, 2], \"bos_token_id\": 1}".getBytes(StandardCharsets.UTF_8)));
            return true;
        }
        return false;
    }

    private static ChaiOptions options(boolean stock, WeightType weights) {
        return (stock ? ChaiOptions.stock() : ChaiOptions.exact())
                .with(change -> change.threads(2).kvCacheMaxBytes(8 << 20).weights(weights));
    }

    private static String load(Path directory, ChaiOptions options) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        String outcome;
        try (TokenModel model = TokenModel.load(directory, options); TokenSession session = model.newSession()) {
            int[] tokens = TestModels.tokens(Math.min(5, model.config().contextLength()),
                    model.config().vocabularySize(), 1);
            for (float logit : session.feed(tokens)) {
                assertThat(logit).isFinite();
            }
            outcome = "finite logits";
        } catch (ModelLoadException e) {
            assertThat(e.getMessage()).hasSizeLessThan(MAX_MESSAGE).doesNotContain("\n", "\0");
            outcome = "refused";
        } catch (BrokenModelException e) {
            outcome = "broken weights";
        }
        if (options.attention() != AttentionMode.STOCK) { // Jlama's own keeps a table of all positions
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).as("allocated").isLessThan(MAX_ALLOCATED);
        }
        return outcome;
    }

    private static long residentBytes() throws IOException {
        System.gc();
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            System.out.println("resident bytes are read from /proc, which is not there: not checked");
            return 0;
        }
        return Files.readAllLines(status).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst().orElse(0);
    }
}
