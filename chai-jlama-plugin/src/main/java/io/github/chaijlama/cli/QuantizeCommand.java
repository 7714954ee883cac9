// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.quantize.ModelQuantizer;
import io.github.chaijlama.weight.WeightFormat;

/** {@code chai quantize}: writes a model again with quantized weights. */
@Command(name = "quantize", mixinStandardHelpOptions = true, description = "Writes a model's directory again, the "
        + "matrices of its layers and its output quantized, in Jlama's own format. Embeddings, norms and biases stay "
        + "as they are.")
final class QuantizeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec command;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory in Hugging Face "
            + "layout")
    @SuppressWarnings("NullAway.Init")
    private Path model;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "directory to write: a new or an empty "
            + "one, which appears when all is written")
    @SuppressWarnings("NullAway.Init")
    private Path out;

    @Option(names = "--weights", required = true, paramLabel = "TYPE", description = "q4: four bits a value, Jlama's "
            + "Q4; q8: eight bits, Jlama's I8, which its own layers cannot multiply")
    @SuppressWarnings("NullAway.Init")
    private WeightType weights;

    @Option(names = "--max-shard", paramLabel = "SIZE", converter = ByteSize.class,
            description = "the most that a file of weights holds; with more than one there is an index; default: "
                    + "2000000000 bytes, as Jlama maps no more than 2 GiB in one piece")
    private long maxShardBytes = ModelQuantizer.DEFAULT_MAX_SHARD_BYTES;

    @Option(names = "--threads", paramLabel = "N", description = "threads that share the work; default: all "
            + "processors")
    private @Nullable Integer threads;

    @Option(names = "--json", description = "print the result as JSON")
    private boolean json;

    @Override
    public Integer call() {
        WeightFormat format = weights.quantized().orElseThrow(
                () -> usage("--weights must be q4 or q8: stored weights need not be written again"));
        int workers = threads == null ? ChaiOptions.exact().threads() : threads;
        if (workers < 1 || workers > ChaiOptions.MAX_THREADS) {
            throw usage("--threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + workers);
        }
        ModelQuantizer.Result result = new ModelQuantizer(format, workers, maxShardBytes).quantize(model, out,
                new RemainingTime(command.commandLine().getErr(), "weights")::report);
        print(format, result);
        return 0;
    }

    private void print(WeightFormat format, ModelQuantizer.Result result) {
        PrintWriter to = command.commandLine().getOut();
        if (json) {
            ObjectNode root = Json.object();
            root.put("directory", out.toString()).put("weightType", format.name())
                    .put("storedBytes", result.storedBytes()).put("bytes", result.bytes());
            result.files().forEach(root.putArray("files")::add);
            to.println(root);
        } else {
            to.println(Wording.format("%s: %s, %.1f MiB instead of %.1f, %d %s", out, format, mebibytes(result.bytes()),
                    mebibytes(result.storedBytes()), result.files().size(),
                    result.files().size() == 1 ? "file" : "files"));
        }
        to.flush();
    }

    private static double mebibytes(long bytes) {
        return bytes / (double) (1 << 20);
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
