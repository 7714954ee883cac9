// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.HeadLayout;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What is counted, and how times become rates, shares and whole models. */
class BenchArithmeticTests {
    private static final HeadLayout MHA = new HeadLayout(4, 4, 8);
    private static final ProductCost.Run PRODUCTS = new ProductCost.Run(2, 8e9, 6e7);
    private static final HeadLayout GQA = new HeadLayout(4, 2, 8);

    @Test
    void countsTheOperationsOfCausalAttention() {
        long operations = 0;
        for (int head = 0; head < 4; head++) {
            for (int query = 0; query < 7; query++) {
                for (int key = 0; key <= query; key++) {
                    operations += 2 * 8; // score
                    operations += 2 * 8; // sum of values
                }
            }
        }
        assertThat(AttentionCost.prefillFlops(7, MHA)).isEqualTo(operations);
        assertThat(AttentionCost.prefillFlops(7, GQA)).isEqualTo(operations);
        assertThat(AttentionCost.prefillFlops(2048, new HeadLayout(32, 32, 128))).isEqualTo(2.0 * 2048 * 2049 * 4096);
    }

    @Test
    void countsTheHeadsALayerStores() {
        HeadClusters two = HeadClusters.of(new int[]{ 0, 0, 1, 1 }, new int[]{ 1, 2 });
        HeadClusters sameGroup = HeadClusters.of(new int[]{ 0, 1, 0, 1 }, new int[]{ 0, 1 });
        assertThat(AttentionCost.storedHeads(HeadClusters.identity(4), MHA)).isEqualTo(8);
        assertThat(AttentionCost.storedHeads(two, MHA)).isEqualTo(4 + 2);
        assertThat(AttentionCost.storedHeads(two, GQA)).isEqualTo(2 + 2);
        assertThat(AttentionCost.storedHeads(sameGroup, GQA)).isEqualTo(2 + 1);
    }

    @Test
    void countsTheBytesATokenReads() {
        long read = 0;
        for (int token = 0; token < 5; token++) {
            read += 10 * (100 + token + 1);
        }
        assertThat(AttentionCost.decodeBytes(100, 5, 10)).isEqualTo(read / 5.0);
    }

    @Test
    void ratesAreOfTheMedian() {
        LayerCost cost = new LayerCost(4, 2, Spread.of(List.of(1.0, 2.0, 9.0)), Spread.of(List.of(0.5)), 4e6, 3e6);
        assertThat(cost.prefillGflops()).isEqualTo(2);
        assertThat(cost.decodeGigabytes()).isEqualTo(6);
    }

    @Test
    void partsAddUpToTheStep() {
        StepClock.Reading reading = new StepClock.Reading(new long[]{ 30_000_000, 50_000_000 },
                new long[]{ 4_000_000, 6_000_000 }, 20_000_000, 30_000_000, 5_000_000,
                new StepClock.Products(40_000_000, 6e9, 5e9), 7_000_000);
        PhaseTimes times = PhaseTimes.of(107_000_000, reading, 10);
        assertThat(times.total()).isEqualTo(10);
        assertThat(times.blocks()).containsExactly(3, 5);
        assertThat(times.attention()).containsExactly(0.4, 0.6);
        StepParts parts = times.parts();
        assertThat(parts.attention()).isEqualTo(1);
        assertThat(parts.projections()).isEqualTo(2);
        assertThat(parts.feedForward()).isEqualTo(3);
        assertThat(parts.head()).isEqualTo(0.5);
        assertThat(parts.other()).isEqualTo(3.5);
        assertThat(parts.shares()).containsEntry("projections", 0.2);
        assertThat(parts.shares().values().stream().mapToDouble(Double::doubleValue).sum()).isCloseTo(1, within(1e-12));
    }

    @Test
    void productsOfAStepBecomeRates() {
        StepClock.Products products = new StepClock.Products(40_000_000, 6e9, 5e9);
        ProductCost.Run prefill = ProductCost.Run.of(products, 1);
        assertThat(prefill).isEqualTo(new ProductCost.Run(40, 12e9, 5e9));
        ProductCost.Run decode = ProductCost.Run.of(products, 10);
        assertThat(decode).isEqualTo(new ProductCost.Run(4, 1.2e9, 5e8));
        ProductCost cost = ProductCost.of(List.of(prefill, new ProductCost.Run(80, 12e9, 5e9), prefill),
                List.of(decode, decode, new ProductCost.Run(2, 1.2e9, 4e8)));
        assertThat(cost.prefillGflops()).as("a rate of each run").isEqualTo(new Spread(300, 150, 300));
        assertThat(cost.prefillMillis()).isEqualTo(new Spread(40, 40, 80));
        assertThat(cost.decodeGigabytes()).isEqualTo(new Spread(125, 125, 200));
        assertThat(cost.decodeBytes()).isEqualTo(4e8);
    }

    private static Measurement measurement(ArmKind kind, int context, double prefill, double decode) {
        Spread none = new Spread(0, 0, 0);
        StepParts parts = new StepParts(1, 1, 1, 1, 1);
        return new Measurement(new BenchArm(kind), context, 1, Spread.of(List.of(prefill)), Spread.of(List.of(decode)),
                none, none, 1, List.of(), ProductCost.of(List.of(PRODUCTS), List.of(PRODUCTS)), parts, parts,
                Optional.empty());
    }

    @Test
    void stockIsTheFasterOfItsArmsInEachPhase() {
        List<Measurement> measurements = List.of(measurement(ArmKind.STOCK, 8, 30, 4),
                measurement(ArmKind.STOCK_F32, 8, 20, 10), measurement(ArmKind.EXACT, 8, 10, 5),
                measurement(ArmKind.EXACT, 16, 10, 5));
        assertThat(StockComparison.of(measurements)).containsExactly(new StockComparison(new BenchArm(ArmKind.EXACT), 8,
                new StockComparison.Ratio(new BenchArm(ArmKind.STOCK_F32), 2),
                new StockComparison.Ratio(new BenchArm(ArmKind.STOCK), 0.8)));
        assertThat(StockComparison.of(measurements.subList(2, 4))).isEmpty();
    }

    @Test
    void partsAreMediansOverRuns() {
        StepParts median = StepParts.medianOf(List.of(new StepParts(1, 20, 5, 4, 3), new StepParts(3, 10, 6, 4, 2),
                new StepParts(2, 30, 7, 4, 1)));
        assertThat(median).isEqualTo(new StepParts(2, 20, 6, 4, 2));
    }

    @Test
    void extrapolatesByClustersAndCountsTheRestOnce() {
        PhaseTimes times = new PhaseTimes(100, new double[]{ 30, 20, 10, 14 }, new double[4], 0, 0, 0, PRODUCTS);
        List<Integer> clusters = List.of(8, 8, 2, 2);
        List<Integer> whole = List.of(8, 8, 8, 8, 8, 2, 2);
        assertThat(times.extrapolate(clusters, whole)).isEqualTo(100 - 74 + 5 * 25 + 2 * 12);
        // Of layers with 4 clusters there is none: as an average one.
        assertThat(times.extrapolate(clusters, List.of(8, 4))).isEqualTo(26 + 25 + 74 / 4.0);
        assertThat(times.extrapolate(clusters, Collections.nCopies(6, Benchmark.UNKNOWN_CLUSTERS)))
                .isEqualTo(26 + 6 * 74 / 4.0);
        assertThat(times.extrapolate(clusters, clusters)).isEqualTo(100);
    }

    @Test
    void wholeModelsHaveTheirOwnNumberOfBytes() {
        Cell cell = new Cell(new BenchArm(ArmKind.CLUSTERED), 10);
        PhaseTimes times = new PhaseTimes(10, new double[]{ 4, 2 }, new double[]{ 1, 0.5 }, 1, 1, 1, PRODUCTS);
        HeadClusters one = HeadClusters.of(new int[4], new int[]{ 0 });
        // 8 heads' rows in the first layer and 5 in the second, of 32 bytes each.
        long stored = 10 * (8 + 5) * 32L;
        cell.add(times, times, List.of(HeadClusters.identity(4), one), stored);
        Measurement measured = cell.toMeasurement(List.of(MHA, MHA), 1, List.of(4, 4, 4, 1));
        assertThat(measured.kvCacheBytes()).isEqualTo(stored);
        assertThat(measured.whole().orElseThrow().kvCacheBytes()).isEqualTo(10 * (3 * 8 + 5) * 32L);
        assertThat(measured.whole().orElseThrow().prefillMillis().median()).isEqualTo(10 - 6 + 3 * 4 + 2);
        assertThat(measured.layers()).hasSize(2);
        assertThat(measured.layers().get(0).clusters()).isEqualTo(4);
        assertThat(measured.layers().get(0).prefillMillis().median()).isEqualTo(1);
        assertThat(measured.layers().get(1).decodeMillis().median()).isEqualTo(0.5);
        assertThat(measured.layers().get(1).decodeBytes()).isEqualTo(11 * 5 * 32);
        assertThat(measured.prefillAttentionMillis().median()).as("mean of the layers").isEqualTo(0.75);
        assertThat(cell.toMeasurement(List.of(MHA, MHA), 1, List.of()).whole()).isEmpty();
    }

    @Test
    void attentionOfTheMeanLayerHasTheRangeOfItsRuns() {
        Cell cell = new Cell(new BenchArm(ArmKind.EXACT), 10);
        for (double[] attention : new double[][]{ { 1, 2 }, { 4, 1 }, { 1, 9 } }) {
            PhaseTimes times = new PhaseTimes(20, new double[]{ 5, 5 }, attention, 1, 1, 1, PRODUCTS);
            cell.add(times, times, List.of(HeadClusters.identity(4), HeadClusters.identity(4)), 10 * 16 * 32L);
        }
        assertThat(cell.toMeasurement(List.of(MHA, MHA), 1, List.of()).decodeAttentionMillis())
                .isEqualTo(new Spread(2.5, 1.5, 5));
    }

    @Test
    void exactAttentionIsExactInEveryLayerOfTheWholeModel() {
        Cell cell = new Cell(new BenchArm(ArmKind.EXACT), 10);
        PhaseTimes times = new PhaseTimes(10, new double[]{ 4, 2 }, new double[2], 1, 1, 1, PRODUCTS);
        cell.add(times, times, List.of(HeadClusters.identity(4), HeadClusters.identity(4)), 10 * 16 * 32L);
        assertThat(cell.toMeasurement(List.of(MHA, MHA), 1, List.of(4, 1, 1)).whole().orElseThrow().prefillMillis()
                .median())
                .isEqualTo(10 - 6 + 3 * 3);
    }

    @Test
    void everyTypeOfKeysAndValuesIsAnArmOfItsOwnButOfStock() {
        List<BenchArm> arms = BenchArm.of(List.of(ArmKind.STOCK, ArmKind.STOCK_F32, ArmKind.EXACT, ArmKind.CLUSTERED,
                ArmKind.EXACT), List.of(KvType.F32, KvType.I8, KvType.F32));
        assertThat(arms.stream().map(BenchArm::label)).containsExactly("stock", "stock-f32", "exact",
                "exact i8", "clustered",
                "clustered i8");
    }

    @Test
    void layersAreTakenAtEvenDistances() {
        List<Integer> whole = new ArrayList<>(Collections.nCopies(18, 32));
        whole.addAll(Collections.nCopies(14, 4));
        assertThat(SyntheticShape.evenlySpaced(whole, 4)).containsExactly(32, 32, 4, 4);
        assertThat(SyntheticShape.evenlySpaced(whole, 32)).isEqualTo(whole);
        assertThat(SyntheticShape.evenlySpaced(List.of(1, 2, 3), 1)).containsExactly(2);
    }

    @Test
    void findsTheLastLevelCache(@TempDir Path directory) throws IOException {
        assertThat(LastLevelCache.bytes(directory.resolve("nowhere"))).isEmpty();
        assertThat(LastLevelCache.bytes(directory)).isEmpty();
        cache(directory, 0, "1", "Data", "32K");
        cache(directory, 1, "1", "Instruction", "64K");
        cache(directory, 2, "3", "Unified", "24M");
        cache(directory, 3, "2", "Unified", "512K");
        assertThat(LastLevelCache.bytes(directory)).hasValue(24L << 20);
        cache(directory, 4, "4", "Unified", "much");
        assertThat(LastLevelCache.bytes(directory)).isEmpty();
        cache(directory, 4, "four", "Unified", "1G");
        assertThat(LastLevelCache.bytes(directory)).isEmpty();
    }

    private static void cache(Path directory, int index, String level, String type, String size) throws IOException {
        Path cache = Files.createDirectories(directory.resolve("index" + index));
        Files.writeString(cache.resolve("level"), level + "\n");
        Files.writeString(cache.resolve("type"), type + "\n");
        Files.writeString(cache.resolve("size"), size + "\n");
    }

    @Test
    void memoryIsWhatIsMoreThanFourCaches() {
        Spread one = Spread.of(List.of(1.0));
        MachinePeaks peaks = new MachinePeaks(one, one, 1, OptionalLong.of(1000));
        assertThat(peaks.readsFromMemory(4000)).isFalse();
        assertThat(peaks.readsFromMemory(4001)).isTrue();
        assertThat(new MachinePeaks(one, one, 1, OptionalLong.empty()).readsFromMemory(1L << 40)).isFalse();
    }

    @Test
    void thePeakLoopsDoWhatTheyAreCountedFor() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8192, 64);
            float[] values = new float[2048];
            for (int i = 0; i < values.length; i++) {
                values[i] = i % 7;
            }
            MemorySegment.copy(values, 0, memory, JAVA_FLOAT, 0, values.length);
            float sum = 0;
            for (int i = 1024; i < values.length; i++) {
                sum += values[i];
            }
            assertThat(VectorPeak.sum(memory, 4096, 4096)).isEqualTo(sum);
        }
        // x -> 0.999 x + 0.001 goes to 1 in each lane of each of the 12 chains.
        float lanes = (float) (VectorPeak.operations(1) / 2);
        assertThat(VectorPeak.multiplyAdd(20_000)).isCloseTo(lanes, within(1e-3f * lanes));
    }

    @Test
    void percentilesAreByNearestRank() {
        long[] nanos = LongStream.rangeClosed(1, 200).map(i -> (201 - i) * 1_000_000).toArray();
        assertThat(Latency.of(nanos)).isEqualTo(new Latency(100, 198));
        assertThat(Latency.of(new long[]{ 3_000_000 })).isEqualTo(new Latency(3, 3));
        assertThat(Latency.of(new long[0]).median()).isNaN();
    }
}
