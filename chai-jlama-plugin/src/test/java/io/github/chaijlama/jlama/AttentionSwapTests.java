// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.decoder.OutputHead;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** The exchange on a model that Jlama loaded itself, driven by Jlama's own methods. */
@Tag("operators")
@Timeout(120)
class AttentionSwapTests {
    private static final Path DIRECTORY = GoldenCases.directory("mha");
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);
    private static final long BUDGET = 64L << 20;
    private static final ModelConfig CONFIG = ModelConfig.read(DIRECTORY);
    private static final ClusterProfile EXACT = ClusterProfile.exact(CONFIG.shape());

    @TempDir
    Path pages;
    @TempDir
    Path directory;
    private final WorkerPool workers = new WorkerPool(2);

    @AfterEach
    void close() {
        workers.close();
    }

    private AbstractModel load() {
        return load(DIRECTORY);
    }

    private AbstractModel load(Path model) {
        return ModelSupport.loadModel(model.toFile(), pages.toFile(), DType.F32, DType.F32,
                Optional.empty(), Optional.empty());
    }

    /** The hidden rows after the prompt and 10 more tokens, by Jlama's methods. */
    private static float[] forward(AbstractModel model, UUID session) {
        KvBufferCache.KvBuffer buffer = JlamaAccess.kvBufferCache(model).getKvBuffer(session);
        List<Float> values = new ArrayList<>();
        try (AbstractTensor<?, ?> rows = model.batchForward(TOKENS, 0, buffer)) {
            collect(rows, TOKENS.length - 1, values);
        }
        for (int i = 0; i < 10; i++) {
            try (AbstractTensor<?, ?> row = model.forward(100 + i, TOKENS.length + i, buffer,
                    Optional.empty())) {
                collect(row, 0, values);
            }
        }
        buffer.close();
        float[] result = new float[values.size()];
        for (int i = 0; i < result.length; i++) {
            result[i] = values.get(i);
        }
        return result;
    }

    private static void collect(AbstractTensor<?, ?> rows, int row, List<Float> values) {
        for (int i = 0; i < rows.shape().last(); i++) {
            values.add(rows.get(row, i));
        }
    }

    @Test
    void jlamasOwnMethodsRunOnTheExchangedAttentionAndBackAgain() {
        AbstractModel model = load();
        TransformerBlock[] before = JlamaAccess.blocks(model).clone();
        KvBufferCache cacheBefore = JlamaAccess.kvBufferCache(model);
        float[] stock = forward(model, UUID.randomUUID());
        int files = pages.toFile().list().length;
        assertThat(files).isPositive();

        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET,
                workers)) {
            assertThat(JlamaAccess.blocks(model)).doesNotContain(before);
            float[] exact = forward(model, UUID.randomUUID());
            assertThat(TestModels.maxDifference(exact, stock)).isBetween(1e-9, 1e-3);
            assertThat(swap.pool().allocatedBytes()).isPositive();
            assertThat(pages.toFile().list()).as("no new file").hasSize(files);
        }

        assertThat(JlamaAccess.blocks(model)).containsExactly(before);
        assertThat(JlamaAccess.kvBufferCache(model)).isSameAs(cacheBefore);
        assertThat(TestModels.maxDifference(forward(model, UUID.randomUUID()), stock)).isLessThan(1e-5);
        model.close();
    }

    @Test
    void aDefaultProfileClustersWhatJlamasMethodsRun() {
        AbstractModel model = load();
        ModelConfig config = ModelConfig.read(DIRECTORY);
        ClusterProfile profile = TestModels.randomStatic(config.shape(), 3);
        float[] expected = new ScalarTransformer(DIRECTORY).logits(TOKENS,
                ((Membership.Static) profile.membership()).layers());
        try (AttentionSwap swap = AttentionSwap.install(model, config, profile, BUDGET, workers);
                StoredWeights weights = StoredWeights.open(DIRECTORY, config, workers);
                AbstractTensor<?, ?> rows = model.batchForward(TOKENS, 0,
                        JlamaAccess.kvBufferCache(model).getKvBuffer(UUID.randomUUID()))) {
            weights.prepare(new WeightFormats(Set.of(WeightFormat.F32), Set.of(WeightFormat.F32)), (_, _) -> {});
            float[][] logits = new float[TOKENS.length][];
            try (OutputHead head = OutputHead.of(config, weights, new JlamaProducts(workers), workers,
                    Optional.empty())) {
                head.logits(new Rows(rows.getMemorySegment(), TOKENS.length, config.hiddenSize()), logits, 0);
            }
            assertThat(TestModels.maxDifference(logits[TOKENS.length - 1], expected)).isLessThan(1e-4);
            assertThat(swap.model()).isSameAs(model);
        }
    }

    @Test
    void jlamasMethodsMayRunOnSeveralThreadsNow() throws Exception {
        AbstractModel model = load();
        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET,
                workers);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            float[] expected = forward(model, UUID.randomUUID());
            Callable<float[]> task = () -> forward(model, UUID.randomUUID());
            for (var result : threads.invokeAll(Collections.nCopies(24, task))) {
                // Jlama's own norms and sums differ in the last bit with the state of its compiled code.
                assertThat(TestModels.maxDifference(result.get(), expected)).isLessThan(1e-5);
            }
            assertThat(swap.pool().allocatedBytes()).isPositive();
        }
    }

    @Test
    void aBatchThatStartsEarlierReplacesWhatCameAfter() {
        AbstractModel model = load();
        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET,
                workers)) {
            KvBufferCache.KvBuffer buffer = JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer();
            model.batchForward(TOKENS, 0, buffer).close();
            model.batchForward(TestModels.tokens(5, 256, 9), 20, buffer).close();
            List<Float> replaced = new ArrayList<>();
            try (AbstractTensor<?, ?> rows = model.batchForward(Arrays.copyOfRange(TOKENS, 20, 40), 20, buffer)) {
                collect(rows, 19, replaced);
            }
            List<Float> whole = new ArrayList<>();
            try (AbstractTensor<?, ?> rows = model.batchForward(TOKENS, 0,
                    JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer())) {
                collect(rows, 39, whole);
            }
            for (int i = 0; i < whole.size(); i++) {
                assertThat(replaced.get(i)).isCloseTo(whole.get(i), within(1e-4f));
            }
            assertThat(swap.pool().allocatedBytes()).isPositive();
        }
    }

    @Test
    void buffersNobodyHoldsAnyMoreGiveTheirMemoryBack() throws InterruptedException {
        AbstractModel model = load();
        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET,
                workers)) {
            model.batchForward(TOKENS, 0, JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer()).close();
            assertThat(swap.pool().allocatedBytes()).isPositive();
            for (int i = 0; i < 100 && swap.pool().allocatedBytes() > 0; i++) {
                System.gc();
                Thread.sleep(20);
            }
            assertThat(swap.pool().allocatedBytes()).isZero();
        }
    }

    @Test
    void oneModelIsExchangedOnceAtATime() {
        AbstractModel model = load();
        ModelConfig config = ModelConfig.read(DIRECTORY);
        AttentionSwap swap = AttentionSwap.install(model, config, ClusterProfile.exact(config.shape()), BUDGET,
                workers);
        assertThatThrownBy(
                () -> AttentionSwap.install(model, config, ClusterProfile.exact(config.shape()), BUDGET, workers))
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("exchanged already");
        swap.close();
        swap.close();
        AttentionSwap.install(model, config, ClusterProfile.exact(config.shape()), BUDGET, workers).close();
    }

    @Test
    void aSessionWhosePassFailedBeginsAgainOrSaysSo() {
        AbstractModel model = load();
        ModelConfig config = ModelConfig.read(DIRECTORY);
        try (AttentionSwap swap = AttentionSwap.install(model, config, TestModels.randomStatic(config.shape(), 3),
                BUDGET, workers)) {
            KvBufferCache.KvBuffer buffer = JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer();
            model.batchForward(TOKENS, 0, buffer).close();
            TransformerBlock second = JlamaAccess.blocks(model)[1];
            JlamaAccess.blocks(model)[1] = null; // a pass that breaks off behind the first layer
            assertThatThrownBy(() -> model.forward(7, TOKENS.length, buffer, Optional.empty()))
                    .isInstanceOf(NullPointerException.class);
            JlamaAccess.blocks(model)[1] = second;

            assertThatThrownBy(() -> model.forward(7, TOKENS.length, buffer, Optional.empty()))
                    .isInstanceOf(IllegalStateException.class).hasMessageContaining("from position 0 only");
            List<Float> again = new ArrayList<>();
            try (AbstractTensor<?, ?> rows = model.batchForward(TOKENS, 0, buffer)) {
                collect(rows, TOKENS.length - 1, again);
            }
            List<Float> expected = new ArrayList<>();
            try (AbstractTensor<?, ?> rows = model.batchForward(TOKENS, 0,
                    JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer())) {
                collect(rows, TOKENS.length - 1, expected);
            }
            for (int i = 0; i < expected.size(); i++) {
                assertThat(again.get(i)).isCloseTo(expected.get(i), within(1e-4f));
            }
            assertThat(swap.pool().allocatedBytes()).isPositive();
        }
    }

    @Test
    @SuppressWarnings("rawtypes") // Jlama's own signature
    void aModelSplitOverMachinesIsRefused() {
        AbstractModel model = load();
        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET,
                workers)) {
            KvBufferCache.KvBuffer buffer = JlamaAccess.kvBufferCache(model).getEphemeralKvBuffer();
            assertThatThrownBy(() -> model.forward(7, 0, buffer, Optional.of(tensors -> {})))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThat(swap.pool().allocatedBytes()).isZero();
        }
    }

    @Test
    void anotherShapeOfTheSameDepthIsRefused() {
        AbstractModel model = load();
        ModelConfig gqa = ModelConfig.read(GoldenCases.directory("gqa"));
        assertThatThrownBy(() -> AttentionSwap.install(model, gqa, ClusterProfile.exact(gqa.shape()), BUDGET, workers))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageMatching("the model's .* is .*, its configuration has .*");
        assertThat(JlamaAccess.kvBufferCache(model)).isNotInstanceOf(SessionBuffers.class);
    }

    @Test
    void aConfigurationOfAnotherModelIsRefused() {
        AbstractModel model = load();
        ModelConfig config = ModelConfig.read(TestModels.POCKET);
        assertThatThrownBy(
                () -> AttentionSwap.install(model, config, ClusterProfile.exact(config.shape()), BUDGET, workers))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("has 3 layers, its configuration has 6");
    }

    /** What Jlama's operators multiply such a weight with are rows of its own 8-bit type, not 32-bit floats. */
    @Test
    void weightsThatNothingMultipliesFloatsWithAreRefusedByName() throws IOException {
        for (String skipped : List.of("norm", "norm,q_proj,k_proj,v_proj,o_proj")) {
            AbstractModel model = load(quantized(DType.I8, skipped.split(",")));
            TransformerBlock[] before = JlamaAccess.blocks(model).clone();
            KvBufferCache cacheBefore = JlamaAccess.kvBufferCache(model);
            assertThatThrownBy(() -> AttentionSwap.install(model, CONFIG, EXACT, BUDGET, workers))
                    .isInstanceOf(ModelLoadException.class)
                    .hasMessageStartingWith("the operators on this machine cannot multiply with weights of type I8, "
                            + "which the model's model.layers.0."
                            + (skipped.equals("norm") ? "self_attn.q_proj" : "mlp.gate_proj") + ".weight is; "
                            + "they can with F32, BF16");
            assertThat(JlamaAccess.blocks(model)).containsExactly(before);
            assertThat(JlamaAccess.kvBufferCache(model)).isSameAs(cacheBefore);
            model.close();
        }
    }

    @Test
    void fourBitsAreTakenWhereFloatsAreMultipliedWithThem() throws IOException {
        Path quantized = quantized(DType.Q4, "norm");
        if (!new JlamaProducts(workers).formats().contains(WeightFormat.Q4)) {
            assertThatThrownBy(() -> run(quantized)).isInstanceOf(ModelLoadException.class)
                    .hasMessageContaining("cannot multiply with weights of type Q4");
            return;
        }
        Path sameAsFloats = Files.createDirectories(directory.resolve("floats"));
        Files.copy(DIRECTORY.resolve("config.json"), sameAsFloats.resolve("config.json"));
        TestWeights.read(quantized.resolve("model.safetensors")).toFloats()
                .write(sameAsFloats.resolve("model.safetensors"), 0);
        Files.copy(DIRECTORY.resolve("tokenizer.json"), sameAsFloats.resolve("tokenizer.json"));
        float[] found = run(quantized);
        assertThat(TestModels.maxDifference(found, run(sameAsFloats))).isLessThan(1e-4);
        assertThat(TestModels.maxDifference(found, run(DIRECTORY))).as("four bits change it").isGreaterThan(1e-3);
    }

    private float[] run(Path directory) {
        AbstractModel model = load(directory);
        try (AttentionSwap swap = AttentionSwap.install(model, CONFIG, EXACT, BUDGET, workers)) {
            return forward(swap.model(), UUID.randomUUID());
        }
    }

    /** Writes the model as Jlama's quantize command does. */
    private Path quantized(DType type, String... skipped) throws IOException {
        Path original = Files.createDirectories(directory.resolve("original"));
        for (String file : List.of("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")) {
            Files.copy(DIRECTORY.resolve(file), original.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(original.resolve("README.md"), "a model");
        return SafeTensorSupport.quantizeModel(original, type, skipped, null,
                Optional.of(directory.resolve(type + "-" + skipped.length)));
    }
}
