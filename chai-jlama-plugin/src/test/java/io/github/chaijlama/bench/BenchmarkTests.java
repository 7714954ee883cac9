// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Whole runs on a model of 3 layers, 8 heads of 16. */
@Tag("alone")
class BenchmarkTests {
    private static final Path MODEL = GoldenCases.directory("mha");
    private static final List<BenchArm> ARMS = List.of(new BenchArm(ArmKind.STOCK),
            new BenchArm(ArmKind.EXACT),
            new BenchArm(ArmKind.CLUSTERED));

    private final List<String> progress = new ArrayList<>();

    /** What the benchmark takes for the time; it stands still unless a test moves it. */
    private long now = 1;

    private Benchmark.Result run(List<Integer> contexts, int runs, long deadline, List<Integer> wholeClusters) {
        return run(contexts, runs, deadline, 0, wholeClusters, progress::add);
    }

    private Benchmark.Result run(List<Integer> contexts, int runs, long deadline, int warmUpMillis,
            List<Integer> wholeClusters, Consumer<String> listener) {
        ClusterProfile profile = new ClusterProfile(ModelConfig.read(MODEL).shape(), List.of(8, 4, 4),
                Membership.defaults());
        return new Benchmark(
                new Benchmark.Plan(MODEL, ChaiOptions.exact().with(change -> change.threads(2)), Optional.of(profile),
                        ARMS, contexts,
                        runs, 3, warmUpMillis, deadline, wholeClusters),
                listener, () -> now).run();
    }

    @Test
    void everyArmIsMeasuredInTurnsAndItsTimeAccountedFor() {
        Benchmark.Result result = run(List.of(8, 40), 2, Long.MAX_VALUE / 2, List.of(8, 8, 4, 4, 4));
        assertThat(result.leftOut()).isEmpty();
        assertThat(result.peaks().gflops().median()).isPositive();
        assertThat(result.peaks().readGigabytes().min()).isPositive();
        assertThat(progress).containsSubsequence("warm-up: 40 tokens, stock", "warm-up: 40 tokens, clustered",
                "run 1 of 2: 8 tokens, stock", "run 1 of 2: 8 tokens, exact", "run 1 of 2: 8 tokens, clustered",
                "run 1 of 2: 40 tokens, stock", "run 2 of 2: 8 tokens, stock");
        assertThat(result.measurements()).hasSize(6);
        for (Measurement measurement : result.measurements()) {
            assertThat(measurement.runs()).isEqualTo(2);
            boolean clustered = measurement.arm().attention() == AttentionMode.CLUSTERED;
            assertThat(measurement.layers().stream().map(LayerCost::clusters).toList())
                    .isEqualTo(clustered ? List.of(8, 4) : List.of(8));
            assertThat(measurement.layers().stream().mapToInt(LayerCost::layers).sum()).isEqualTo(3);
            assertThat(measurement.prefillAttentionMillis().max())
                    .isGreaterThanOrEqualTo(measurement.prefillAttentionMillis().min());
            ProductCost products = measurement.products();
            assertThat(products.prefillMillis().median()).isPositive()
                    .isLessThanOrEqualTo(measurement.prefillMillis().max());
            assertThat(products.decodeMillis().median()).isPositive()
                    .isLessThanOrEqualTo(measurement.decodeMillis().max());
            for (StepParts parts : List.of(measurement.prefill(), measurement.decode())) {
                assertThat(parts.projections()).isPositive();
                assertThat(parts.feedForward()).isPositive();
                assertThat(parts.head()).isPositive();
                assertThat(parts.other()).isPositive();
                if (measurement.arm().attention() != AttentionMode.STOCK) { // there it is a difference
                    assertThat(parts.attention()).isPositive();
                }
            }
            assertThat(measurement.whole().orElseThrow().layers()).isEqualTo(5);
            assertThat(measurement.whole().orElseThrow().prefillMillis().median())
                    .isGreaterThan(measurement.prefillMillis().median());
            long bytesOfRow = measurement.context() * 16L * Float.BYTES;
            assertThat(measurement.kvCacheBytes()).isEqualTo(bytesOfRow * (clustered ? 16 + 12 + 12 : 48));
            assertThat(measurement.whole().orElseThrow().kvCacheBytes())
                    .isEqualTo(bytesOfRow * (clustered ? 2 * 16 + 3 * 12 : 5 * 16));
        }
    }

    private Benchmark.Result arms(Path model, ChaiOptions options, ArmKind... kinds) {
        return new Benchmark(new Benchmark.Plan(model, options.with(change -> change.threads(2)), Optional.empty(),
                BenchArm.of(List.of(kinds), List.of(KvType.F32)), List.of(8), 1, 2, 0, Long.MAX_VALUE, List.of()),
                progress::add, () -> now).run();
    }

    private static List<String> labels(Benchmark.Result result) {
        return result.measurements().stream().map(measurement -> measurement.arm().label()).toList();
    }

    @Test
    void stockIsMeasuredWithBothActivationsWhereTheyDiffer(@TempDir Path directory) {
        Path model = TestModels.random(directory, TestModels.shape(512, 1024, 8, 8), 256, "F32");
        Benchmark.Result result = arms(model, ChaiOptions.exact().with(change -> change.weights(WeightType.Q4)),
                ArmKind.STOCK_F32, ArmKind.EXACT, ArmKind.STOCK);
        assertThat(labels(result)).containsExactly("stock-f32", "exact", "stock");
        assertThat(result.notes()).containsExactlyInAnyOrder("stock: 8-bit activations",
                "stock-f32: 32-bit activations, which Jlama takes with F32 weights");
        assertThat(StockComparison.of(result.measurements())).hasSize(1);
    }

    @Test
    void stockIsMeasuredOnceWhereBothAreTheSame() {
        Benchmark.Result result = arms(MODEL, ChaiOptions.exact(), ArmKind.STOCK_F32, ArmKind.STOCK);
        assertThat(labels(result)).containsExactly("stock");
        assertThat(result.notes()).containsExactly(
                "stock: 32-bit activations, which Jlama takes with F32 weights",
                "stock-f32: not measured, since stock has 32-bit activations, too");
    }

    @Test
    void whatJlamaCannotRunIsLeftOutAndSaid(@TempDir Path directory) {
        Path mixtral = FamilyModels.write(directory, "mixtral");
        Benchmark.Result result = arms(mixtral, ChaiOptions.exact(), ArmKind.STOCK, ArmKind.EXACT);
        assertThat(labels(result)).containsExactly("exact");
        assertThat(result.notes()).singleElement().asString().startsWith("stock: cannot run: Jlama 0.8.4's own")
                .contains("a mixture of experts wrongly");
        assertThatThrownBy(() -> arms(mixtral, ChaiOptions.exact(), ArmKind.STOCK, ArmKind.STOCK_F32))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("a mixture of experts wrongly");
    }

    @Test
    void nothingIsBegunAfterTheDeadlineAndWhatIsLeftOutIsSaid() {
        Benchmark.Result result = run(List.of(8, 40), 2, now, List.of());
        assertThat(result.measurements()).isEmpty();
        assertThat(result.peaks().gflops().median()).isPositive();
        assertThat(result.leftOut()).hasSize(6).contains("8 tokens, stock: not measured",
                "40 tokens, clustered: not measured");
        assertThat(progress).noneMatch(line -> line.startsWith("warm-up") || line.startsWith("run"));
    }

    @Test
    void whatIsRunningAtTheDeadlineIsFinishedAndCounts() {
        Benchmark.Result result = run(List.of(8), 100, 1000, 0, List.of(), line -> {
            progress.add(line);
            if (line.equals("run 3 of 100: 8 tokens, exact")) {
                now = 1000;
            }
        });
        assertThat(result.measurements()).extracting(Measurement::runs).containsExactly(3, 3, 2);
        assertThat(result.leftOut()).containsExactly("8 tokens, stock: measured in 3 of 100 runs",
                "8 tokens, exact: measured in 3 of 100 runs", "8 tokens, clustered: measured in 2 of 100 runs");
        assertThat(progress.getLast()).isEqualTo("run 3 of 100: 8 tokens, exact");
    }

    @Test
    void everyArmWarmsUpForItsTime() {
        run(List.of(8), 1, Long.MAX_VALUE, 5, List.of(), line -> {
            progress.add(line);
            now += 2_000_000; // each sequence takes two milliseconds
        });
        for (BenchArm arm : ARMS) {
            assertThat(progress).filteredOn(("warm-up: 8 tokens, " + arm.label())::equals).hasSize(3);
        }
    }

    @Test
    void whereTheTimeIsOverWhileWarmingUpNothingIsMeasured() {
        Benchmark.Result result = run(List.of(8), 2, 1000, 0, List.of(), line -> {
            progress.add(line);
            now = line.equals("warm-up: 8 tokens, exact") ? 1000 : now;
        });
        assertThat(result.measurements()).isEmpty();
        assertThat(result.leftOut()).hasSize(3);
        assertThat(progress.getLast()).isEqualTo("warm-up: 8 tokens, exact");
    }
}
