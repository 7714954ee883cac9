// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.MachinePeaks;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.ProductCost;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.StepParts;
import io.github.chaijlama.bench.StockComparison;
import io.github.chaijlama.bench.WholeModel;

/** A benchmark for machines: milliseconds, bytes, shares and not percent. */
final class BenchJson {
    private final Benchmarked benchmarked;
    private final Benchmark.Result result;

    private BenchJson(Benchmarked benchmarked) {
        this.benchmarked = benchmarked;
        this.result = benchmarked.result();
    }

    static ObjectNode of(Benchmarked benchmarked) {
        return new BenchJson(benchmarked).toJson();
    }

    private ObjectNode toJson() {
        ObjectNode root = Json.object();
        root.put("model", benchmarked.shape().toString()).put("weights", benchmarked.weights())
                .put("machine", benchmarked.machine())
                .put("threads", benchmarked.options().threads());
        MachinePeaks peaks = result.peaks();
        ObjectNode peak = root.putObject("peaks");
        put(peak.putObject("multiplyAddGflops"), peaks.gflops());
        put(peak.putObject("readGigabytesPerSecond"), peaks.readGigabytes());
        peak.put("readBufferBytes", peaks.bufferBytes());
        Json.putBytes(peak, "lastLevelCacheBytes", peaks.lastLevelCacheBytes());
        benchmarked.profile().ifPresent(profile -> Json.putNumbers(root, "clusters",
                profile.clusters().stream().mapToInt(Integer::intValue).toArray()));
        ArrayNode notes = root.putArray("notes");
        result.notes().forEach(notes::add);
        ArrayNode list = root.putArray("measurements");
        result.measurements().forEach(measurement -> put(list.addObject(), measurement));
        ArrayNode againstStock = root.putArray("againstStock");
        StockComparison.of(result.measurements()).forEach(comparison -> put(againstStock.addObject(), comparison));
        ArrayNode leftOut = root.putArray("leftOut");
        result.leftOut().forEach(leftOut::add);
        return root;
    }

    private void put(ObjectNode node, Measurement measurement) {
        node.put("context", measurement.context()).put("arm", measurement.arm().label())
                .put("attention", measurement.arm().attention().name()).put("kv", measurement.arm().kv().name())
                .put("runs", measurement.runs());
        put(node.putObject("prefillMillis"), measurement.prefillMillis());
        put(node.putObject("decodeMillis"), measurement.decodeMillis());
        node.put("kvCacheBytes", measurement.kvCacheBytes());
        node.put("readsFromMemory", benchmarked.readsFromMemory(measurement.context()));
        put(node.putObject("products"), measurement.products());
        ArrayNode layers = node.putArray("attentionAlone");
        measurement.layers().forEach(cost -> put(layers.addObject(), cost));
        put(node.putObject("prefillParts"), measurement.prefill());
        put(node.putObject("decodeParts"), measurement.decode());
        measurement.whole().ifPresent(whole -> put(node.putObject("extrapolated"), whole));
    }

    private static void put(ObjectNode node, StockComparison comparison) {
        node.put("context", comparison.context()).put("arm", comparison.arm().label())
                .put("prefill", comparison.prefill().faster())
                .put("prefillStock", comparison.prefill().stock().label())
                .put("decode", comparison.decode().faster())
                .put("decodeStock", comparison.decode().stock().label());
    }

    private void put(ObjectNode node, ProductCost cost) {
        put(node.putObject("prefillMillis"), cost.prefillMillis());
        put(node.putObject("prefillGflops"), cost.prefillGflops());
        node.put("prefillShareOfPeak", benchmarked.prefillShareOfPeak(cost));
        put(node.putObject("decodeMillis"), cost.decodeMillis());
        put(node.putObject("decodeGigabytesPerSecond"), cost.decodeGigabytes());
        node.put("decodeShareOfPeak", benchmarked.decodeShareOfPeak(cost)).put("decodeBytes", cost.decodeBytes());
    }

    private void put(ObjectNode node, WholeModel whole) {
        node.put("layers", whole.layers());
        put(node.putObject("prefillMillis"), whole.prefillMillis());
        put(node.putObject("decodeMillis"), whole.decodeMillis());
        node.put("kvCacheBytes", whole.kvCacheBytes());
    }

    private void put(ObjectNode node, LayerCost cost) {
        node.put("clusters", cost.clusters()).put("layers", cost.layers());
        put(node.putObject("prefillMillis"), cost.prefillMillis());
        put(node.putObject("decodeMillis"), cost.decodeMillis());
        node.put("prefillGflops", cost.prefillGflops())
                .put("prefillShareOfPeak", cost.prefillGflops() / result.peaks().gflops().median())
                .put("decodeBytes", cost.decodeBytes()).put("decodeGigabytesPerSecond", cost.decodeGigabytes())
                .put("decodeShareOfPeak", cost.decodeGigabytes() / result.peaks().readGigabytes().median());
    }

    private static void put(ObjectNode node, StepParts parts) {
        node.put("attentionMillis", parts.attention()).put("projectionsMillis", parts.projections())
                .put("feedForwardMillis", parts.feedForward()).put("headMillis", parts.head())
                .put("otherMillis", parts.other());
        ObjectNode shares = node.putObject("shares");
        parts.shares().forEach(shares::put);
    }

    private static void put(ObjectNode node, Spread spread) {
        node.put("median", spread.median()).put("min", spread.min()).put("max", spread.max());
    }
}
