// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

import com.sun.management.OperatingSystemMXBean;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * How a model is loaded. Immutable; {@link #with} makes changed copies.
 *
 * <pre>{@code
 * ChaiOptions options = ChaiOptions.clustered(profile).with(change -> change.threads(4).kvCacheType(KvType.I8));
 * }</pre>
 */
public final class ChaiOptions {
    /** More threads than any machine has for a step; a limit keeps a slip of the keyboard from starting a million. */
    public static final int MAX_THREADS = 1024;
    /** Enough for the conversations that take turns at a local model; memory bounds them anyway. */
    public static final int DEFAULT_MAX_IDLE_SEQUENCES = 8;

    private final AttentionMode attention;
    private final Optional<ClusterProfile> profile;
    private final long kvCacheMaxBytes;
    private final int threads;
    private final WeightType weights;
    private final Operators operators;
    private final KvType kvCacheType;
    private final int maxIdleSequences;
    private final boolean generationConfig;

    private ChaiOptions(Builder builder) {
        this.attention = builder.attention;
        this.profile = builder.profile;
        this.kvCacheMaxBytes = builder.kvCacheMaxBytes;
        this.threads = builder.threads;
        this.weights = builder.weights;
        this.operators = builder.operators;
        this.kvCacheType = builder.kvCacheType;
        this.maxIdleSequences = builder.maxIdleSequences;
        this.generationConfig = builder.generationConfig;
        if (attention == AttentionMode.CLUSTERED && profile.isEmpty()) {
            throw new IllegalArgumentException("clustered attention needs a cluster profile");
        }
        if (attention == AttentionMode.STOCK && profile.isPresent()) {
            throw new IllegalArgumentException("Jlama's own attention cannot use a cluster profile");
        }
        if (kvCacheMaxBytes < 1) {
            throw new IllegalArgumentException(
                    "the key/value budget must be at least 1 byte, found " + kvCacheMaxBytes);
        }
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", found " + threads);
        }
        if (maxIdleSequences < 0) {
            throw new IllegalArgumentException("idle sequences must be 0 or more, found " + maxIdleSequences);
        }
        if (attention == AttentionMode.STOCK && kvCacheType != KvType.F32) {
            throw new IllegalArgumentException(
                    "Jlama's own attention stores keys and values as F32, asked for " + kvCacheType);
        }
        if (weights == WeightType.Q8 && (attention == AttentionMode.STOCK || operators == Operators.JLAMA)) {
            throw new IllegalArgumentException("Jlama's own "
                    + (attention == AttentionMode.STOCK ? "layers" : "operators") + " cannot multiply with weights of "
                    + "type Q8");
        }
    }

    /** Returns options for exact attention, a quarter of the machine's memory for keys and values, all processors. */
    public static ChaiOptions exact() {
        return new ChaiOptions(new Builder());
    }

    /** Returns options as {@link #exact()}, for clustered attention. */
    public static ChaiOptions clustered(ClusterProfile profile) {
        return exact().with(change -> change.profile(profile).attention(AttentionMode.CLUSTERED));
    }

    /** Returns options as {@link #exact()}, for Jlama's own attention. */
    public static ChaiOptions stock() {
        return exact().with(change -> change.attention(AttentionMode.STOCK));
    }

    /**
     * Returns these options with some changed.
     *
     * @throws IllegalArgumentException if they are not possible, or not together
     */
    public ChaiOptions with(Consumer<Builder> changes) {
        Builder builder = new Builder(this);
        changes.accept(builder);
        return new ChaiOptions(builder);
    }

    /** Returns the default budget: a quarter of the memory of the machine or container, in bytes. */
    public static long defaultKvCacheMaxBytes() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize() / 4;
    }

    /** Returns the attention of sessions that ask for none. */
    public AttentionMode attention() {
        return attention;
    }

    /** Returns the model's cluster profile; there is one with {@link AttentionMode#CLUSTERED}, and may be otherwise. */
    public Optional<ClusterProfile> profile() {
        return profile;
    }

    /** Returns the budget for the keys and values of all sessions together, in bytes. */
    public long kvCacheMaxBytes() {
        return kvCacheMaxBytes;
    }

    /** Returns the number of threads that share the work of a step, 1 to {@value #MAX_THREADS}. */
    public int threads() {
        return threads;
    }

    /** Returns the type the weights are kept in. */
    public WeightType weights() {
        return weights;
    }

    /** Returns what calculates matrix products. */
    public Operators operators() {
        return operators;
    }

    /** Returns how keys and values are stored, for sessions that ask for nothing else. */
    public KvType kvCacheType() {
        return kvCacheType;
    }

    /**
     * Returns the most sequences that are kept when their request has ended, for later requests that begin with the
     * same tokens; 0 for none.
     */
    public int maxIdleSequences() {
        return maxIdleSequences;
    }

    /**
     * Whether the settings of the model's generation_config.json are the defaults of requests. The end tokens that it
     * names count in any case.
     */
    public boolean generationConfig() {
        return generationConfig;
    }

    private List<Object> values() {
        return List.of(attention, profile, kvCacheMaxBytes, threads, weights, operators, kvCacheType, maxIdleSequences,
                generationConfig);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ChaiOptions that && values().equals(that.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    @Override
    public String toString() {
        return "ChaiOptions[attention=" + attention + ", profile=" + profile + ", kvCacheMaxBytes=" + kvCacheMaxBytes
                + ", threads=" + threads + ", weights=" + weights + ", operators=" + operators + ", kvCacheType="
                + kvCacheType
                + ", maxIdleSequences=" + maxIdleSequences + ", generationConfig=" + generationConfig + "]";
    }

    /** Options in the making; not thread-safe. Each method sets what {@link ChaiOptions} returns under its name. */
    public static final class Builder {
        private AttentionMode attention = AttentionMode.EXACT;
        private Optional<ClusterProfile> profile = Optional.empty();
        private long kvCacheMaxBytes = defaultKvCacheMaxBytes();
        private int threads = Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors());
        private WeightType weights = WeightType.STORED;
        private Operators operators = Operators.AUTO;
        private KvType kvCacheType = KvType.F32;
        private int maxIdleSequences = DEFAULT_MAX_IDLE_SEQUENCES;
        private boolean generationConfig = true;

        private Builder() {}

        private Builder(ChaiOptions options) {
            this.attention = options.attention;
            this.profile = options.profile;
            this.kvCacheMaxBytes = options.kvCacheMaxBytes;
            this.threads = options.threads;
            this.weights = options.weights;
            this.operators = options.operators;
            this.kvCacheType = options.kvCacheType;
            this.maxIdleSequences = options.maxIdleSequences;
            this.generationConfig = options.generationConfig;
        }

        /** Sets the attention of sessions that ask for none. */
        public Builder attention(AttentionMode value) {
            attention = Objects.requireNonNull(value, "attention");
            return this;
        }

        /** Sets the model's cluster profile. */
        public Builder profile(ClusterProfile value) {
            profile = Optional.of(value);
            return this;
        }

        /** Sets the budget for keys and values, in bytes. */
        public Builder kvCacheMaxBytes(long value) {
            kvCacheMaxBytes = value;
            return this;
        }

        /** Sets the number of threads of a step. */
        public Builder threads(int value) {
            threads = value;
            return this;
        }

        /** Sets the type the weights are kept in. */
        public Builder weights(WeightType value) {
            weights = Objects.requireNonNull(value, "weights");
            return this;
        }

        /** Sets what calculates matrix products. */
        public Builder operators(Operators value) {
            operators = Objects.requireNonNull(value, "operators");
            return this;
        }

        /** Sets how keys and values are stored. */
        public Builder kvCacheType(KvType value) {
            kvCacheType = Objects.requireNonNull(value, "kvCacheType");
            return this;
        }

        /** Sets the most sequences that are kept when their request has ended, 0 to reuse nothing. */
        public Builder maxIdleSequences(int value) {
            maxIdleSequences = value;
            return this;
        }

        /** Sets whether generation_config.json has a say in the defaults of requests. */
        public Builder generationConfig(boolean value) {
            generationConfig = value;
            return this;
        }
    }
}
