// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.Stream;

import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * Looks at the attention of the sample texts.
 *
 * @param comparesOutputs whether distances of the outputs of attention are needed
 * @param seed            where k-means starts
 */
record SampleObservation(CalibrationRun run, boolean comparesOutputs, long seed) {
    /** k-means++ starts for each number of clusters, of which the best counts. */
    private static final int KMEANS_STARTS = 5;

    /** Returns what the samples say of each layer; those of a run that was stopped are not looked at again. */
    List<LayerStatistics> observe(List<int[]> samples) {
        int heads = run.shape().heads();
        CalibrationState state = run.state();
        List<LayerStatistics> statistics = state.layers().isEmpty()
                ? Stream.generate(() -> new LayerStatistics(heads)).limit(run.shape().layers()).toList()
                : state.layers().stream().map(sums -> LayerStatistics.of(heads, sums)).toList();
        try (WorkerPool workers = new WorkerPool(run.model().options().threads())) {
            for (int sample = statistics.getFirst().samples(); sample < samples.size(); sample++) {
                add(samples.get(sample), statistics, workers);
                state.setLayers(statistics);
                state.saveIfDue();
                run.progress().report("attention of texts", sample + 1L, samples.size());
                InterruptedCalibration.throwIfInterrupted();
            }
        }
        return statistics;
    }

    private void add(int[] text, List<LayerStatistics> statistics, WorkerPool workers) {
        List<OutputDistances> outputs = comparesOutputs
                ? statistics.stream().map(layer -> layer.heads().outputs()).toList()
                : List.of();
        List<HeadGram> products = new ExactRun(run.model()).products(text, outputs);
        double[][] errors = new double[products.size()][];
        workers.run(products.size(),
                (layer, worker) -> errors[layer] = ErrorCurve.measure(products.get(layer), KMEANS_STARTS, seed));
        for (int layer = 0; layer < products.size(); layer++) {
            statistics.get(layer).add(products.get(layer), errors[layer]);
        }
    }
}
