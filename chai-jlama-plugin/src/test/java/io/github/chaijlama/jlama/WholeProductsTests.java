// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.decoder.Decoder;
import io.github.chaijlama.decoder.StepRun;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;
import io.github.chaijlama.weight.WeightRows;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A GPU's operators get what they want: registered weights, whole products from their first row, one thread. */
@Tag("operators")
class WholeProductsTests {
    private static final int INNER = 64;
    private static final float UNTOUCHED = 123;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool workers = new WorkerPool(2);
    private final GpuLikeOperations operations = new GpuLikeOperations();

    @TempDir
    Path directory;

    @AfterEach
    void free() {
        workers.close();
        arena.close();
    }

    private Rows random(int count, int columns, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment memory = arena.allocate((long) count * columns * Float.BYTES, 64);
        for (long i = 0; i < (long) count * columns; i++) {
            memory.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        return new Rows(memory, count, columns);
    }

    private Rows result(int count, int columns) {
        Rows rows = random(count, columns, 1);
        for (long i = 0; i < (long) count * columns; i++) {
            rows.memory().setAtIndex(JAVA_FLOAT, i, UNTOUCHED);
        }
        return rows;
    }

    private Weight weight(WeightFormat format, int rows, int seed) {
        Weight floats = new Weight("w", WeightFormat.F32, rows, INNER, random(rows, INNER, seed).memory());
        return format == WeightFormat.F32 ? floats
                : JlamaTensors.weight("w", JlamaTensors.of(floats).quantize(DType.valueOf(format.name()), true));
    }

    private static float get(Rows rows, int row, int column) {
        return rows.memory().getAtIndex(JAVA_FLOAT, rows.at(row) + column);
    }

    private static void assertColumn(Rows result, Rows input, Weight weight, int column) {
        float[] values = new float[INNER];
        new WeightRows(weight).decode(column, MemorySegment.ofArray(values), 0);
        for (int i = 0; i < input.count(); i++) {
            double expected = 0;
            for (int k = 0; k < INNER; k++) {
                expected += (double) get(input, i, k) * values[k];
            }
            assertThat((double) get(result, i, column)).as("element %d,%d", i, column).isBetween(expected - 1e-4,
                    expected + 1e-4);
        }
    }

    /** Whatever was asked of the operators: nothing is cut, nothing unknown, and it all came from one thread. */
    private void assertWhole() {
        assertThat(operations.products()).isNotEmpty().allSatisfy(product -> {
            assertThat(product.columnOffset()).isZero();
            assertThat(product.columns()).isEqualTo(product.weight().shape().last());
            assertThat(product.resultOffset()).isZero();
            assertThat(product.firstRow()).isZero();
            assertThat(product.rows()).isEqualTo(product.weight().shape().first());
        });
        assertThat(operations.threads()).hasSize(1).doesNotContain(Thread.currentThread());
        assertThat(new HashSet<>(operations.registered())).hasSameSizeAs(operations.registered());
    }

    @ParameterizedTest
    @EnumSource(value = WeightFormat.class, names = { "F32", "BF16", "Q4" })
    void aWholeProductIsOneCallWithARegisteredWeight(WeightFormat format) {
        try (JlamaProducts products = new JlamaProducts(workers, operations)) {
            if (!products.formats().contains(format)) {
                return; // the operators below do not know it, and say so: formatsAreThoseOfTheOperators
            }
            for (int inputs : new int[]{ 1, 3, 7 }) {
                operations.products().clear();
                operations.registered().clear();
                Rows input = random(inputs, INNER, inputs);
                Weight weight = weight(format, 213, 2);
                Rows result = result(inputs, 213);
                products.multiply(input, List.of(Product.whole(result, weight)));
                products.multiply(input, List.of(Product.whole(result, weight)));
                assertThat(operations.products()).hasSize(2)
                        .allSatisfy(product -> assertThat(product.inputs()).isEqualTo(inputs));
                assertThat(operations.registered()).hasSize(1);
                assertWhole();
                for (int column = 0; column < 213; column++) {
                    assertColumn(result, input, weight, column);
                }
            }
        }
    }

    /** Heads of a cluster's representatives: their products are one with all rows, and only theirs are handed out. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 5 })
    void rangesOfAWeightAreCopiedOutOfOneWholeProduct(int inputs) {
        try (JlamaProducts products = new JlamaProducts(workers, operations)) {
            Rows input = random(inputs, INNER, 1);
            Weight weight = weight(WeightFormat.F32, 96, 2);
            Weight other = weight(WeightFormat.F32, 40, 3);
            Rows result = result(inputs, 96);
            Rows otherResult = result(inputs, 50);
            products.multiply(input, List.of(new Product(result, weight, 16, 16), new Product(result, weight, 64, 32),
                    Product.whole(otherResult, other)));
            assertThat(operations.products()).hasSize(2);
            assertWhole();
            for (int column = 0; column < 96; column++) {
                if (column >= 16 && column < 32 || column >= 64) {
                    assertColumn(result, input, weight, column);
                } else {
                    assertThat(get(result, inputs - 1, column)).isEqualTo(UNTOUCHED);
                }
            }
            for (int column = 0; column < 40; column++) {
                assertColumn(otherResult, input, other, column);
            }
            assertThat(get(otherResult, inputs - 1, 40)).isEqualTo(UNTOUCHED);
        }
    }

    @Test
    void manyInputsAreGivenInAsManyCallsAsTheirMemoryIsLargeEnoughFor() {
        int rows = 40_000;
        int inputs = 250; // 104 times 40,000 floats are 16 MiB
        try (JlamaProducts products = new JlamaProducts(workers, operations)) {
            Rows input = random(inputs, INNER, 1);
            Weight weight = weight(WeightFormat.F32, rows, 2);
            Rows result = result(inputs, rows);
            products.multiply(input, List.of(Product.whole(result, weight)));
            assertThat(operations.products()).extracting(GpuLikeOperations.Product::inputs).containsExactly(104, 104,
                    42);
            assertThat(operations.registered()).hasSize(1);
            assertWhole();
            for (int column : new int[]{ 0, 17_777, rows - 1 }) {
                assertColumn(result, input, weight, column);
            }
        }
    }

    @Test
    void formatsAreThoseOfTheOperators() {
        try (JlamaProducts products = new JlamaProducts(workers, operations);
                JlamaProducts delegates = new JlamaProducts(workers)) {
            assertThat(products.formats()).isEqualTo(delegates.formats());
            assertThat(products.description()).isEqualTo("GPU-like operations");
        }
    }

    @Test
    void whatTheOperatorsThrowIsThrownToWhoeverAsked() {
        try (JlamaProducts products = new JlamaProducts(workers, operations)) {
            int columns = (1 << 22) + 32; // a single row of more than 16 MiB
            Weight weight = new Weight("w", WeightFormat.F32, 1, columns, random(1, columns, 1).memory());
            assertThatThrownBy(() -> products.multiply(new Rows(weight.data(), 1, columns),
                    List.of(Product.whole(result(1, 1), weight)))).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("scratch is too small");
        }
    }

    @Test
    void operatorsThatRegisterNothingAreLeftAlone() {
        TensorOperations plain = TensorOperationsProvider.get();
        JlamaAccess.registration(plain).accept(JlamaTensors.of(weight(WeightFormat.F32, 1, 1)));
        assertThat(operations.registered()).isEmpty();
        JlamaAccess.registration(operations).accept(JlamaTensors.of(weight(WeightFormat.F32, 1, 1)));
        assertThat(operations.registered()).hasSize(1);
    }

    private static List<float[]> run(Path model, MatrixProducts products, WorkerPool workers) {
        ModelConfig config = ModelConfig.read(model);
        int[] tokens = TestModels.tokens(24, config.vocabularySize(), 3);
        ClusterProfile online = new ClusterProfile(config.shape(),
                Collections.nCopies(config.layers(), Math.max(1, config.numberOfHeads() / 2)),
                new Membership.Online(9, 2, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
        List<float[]> logits = new ArrayList<>();
        try (StoredWeights weights = StoredWeights.open(model, config, workers)) {
            weights.prepare(new WeightFormats(products.formats(), EnumSet.allOf(WeightFormat.class)), (_, _) -> {});
            try (Decoder decoder = new Decoder(config, weights, products, workers, new KvBudget(1 << 26),
                    Optional.empty())) {
                for (ClusterProfile profile : List.of(ClusterProfile.exact(config.shape()), online)) {
                    AttentionSequence sequence = decoder.newSequence(profile, KvType.F32);
                    for (int from = 0; from < tokens.length; from += from == 0 ? 16 : 1) {
                        StepRun step = new StepRun(sequence, tokens, from, from == 0 ? 16 : 1, from == 0 ? 16 : 1);
                        // Each step from another thread, as requests of a server come.
                        logits.addAll(List.of(
                                CompletableFuture
                                        .supplyAsync(() -> decoder.step(List.of(step)), Thread::startVirtualThread)
                                        .join()));
                    }
                    decoder.end(sequence);
                }
            }
        }
        return logits;
    }

    /** Prompts, tokens, exact and clustered attention, and experts: what a model asks for in its life. */
    @ParameterizedTest
    @ValueSource(strings = { "llama-mha", "llama-gqa", "gemma2", "mixtral", "gpt2" })
    void aModelRunsOnThem(String name) {
        Path model = FamilyModels.write(directory.resolve(name), name);
        try (JlamaProducts whole = new JlamaProducts(workers, operations);
                JlamaProducts split = new JlamaProducts(workers)) {
            List<float[]> logits = run(model, whole, workers);
            List<float[]> expected = run(model, split, workers);
            assertThat(logits).hasSize(48).hasSameSizeAs(expected);
            for (int i = 0; i < logits.size(); i++) {
                assertThat(TestModels.maxDifference(logits.get(i), expected.get(i))).as("logits of token %d", i)
                        .isLessThan(3e-4);
            }
            assertWhole();
            assertThat(operations.products()).extracting(GpuLikeOperations.Product::weight)
                    .isSubsetOf(operations.registered().toArray(AbstractTensor[]::new));
        }
    }
}
