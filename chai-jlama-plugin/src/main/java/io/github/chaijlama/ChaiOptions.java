// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.lang.management.ManagementFactory;
import java.util.Objects;

import com.sun.management.OperatingSystemMXBean;

import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * How a model is loaded. Immutable.
 *
 * @param attention        attention of sessions that ask for none
 * @param profile          the model's cluster profile; needed for {@link AttentionMode#CLUSTERED}, null otherwise
 *                         possible
 * @param kvCacheMaxBytes  budget for the keys and values of all sessions together, in bytes
 * @param threads          threads that share the work of a step, 1 to {@value #MAX_THREADS}
 * @param weights          type the weights are kept in
 * @param kvCacheType      how keys and values are stored, for sessions that ask for nothing else
 * @param maxIdleSequences the most sequences that are kept when their request has ended, for later requests that begin
 *                         with the same tokens; 0 for none
 */
public record ChaiOptions(AttentionMode attention, ClusterProfile profile, long kvCacheMaxBytes, int threads,
        WeightType weights, KvType kvCacheType, int maxIdleSequences) {
    /** More threads than any machine has for a step; a limit keeps a slip of the keyboard from starting a million. */
    public static final int MAX_THREADS = 1024;
    /** Enough for the conversations that take turns at a local model; memory bounds them anyway. */
    public static final int DEFAULT_MAX_IDLE_SEQUENCES = 8;

    public ChaiOptions {
        if (attention == AttentionMode.CLUSTERED && profile == null) {
            throw new IllegalArgumentException("clustered attention needs a cluster profile");
        }
        if (attention == AttentionMode.STOCK && profile != null) {
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
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(kvCacheType, "kvCacheType");
        if (attention == AttentionMode.STOCK && kvCacheType != KvType.F32) {
            throw new IllegalArgumentException(
                    "Jlama's own attention stores keys and values as F32, asked for " + kvCacheType);
        }
    }

    /** Creates options with the weights as they are stored, and 32-bit keys and values. */
    public ChaiOptions(AttentionMode attention, ClusterProfile profile, long kvCacheMaxBytes, int threads) {
        this(attention, profile, kvCacheMaxBytes, threads, WeightType.STORED, KvType.F32, DEFAULT_MAX_IDLE_SEQUENCES);
    }

    /**
     * Returns options for exact attention, a quarter of the machine's memory for keys and values, and all its
     * processors.
     */
    public static ChaiOptions exact() {
        return new ChaiOptions(AttentionMode.EXACT, null, defaultKvCacheMaxBytes(),
                Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()));
    }

    /** Returns options as {@link #exact()}, for clustered attention. */
    public static ChaiOptions clustered(ClusterProfile profile) {
        return exact().withProfile(profile).withAttention(AttentionMode.CLUSTERED);
    }

    /** Returns options as {@link #exact()}, for Jlama's own attention. */
    public static ChaiOptions stock() {
        return exact().withAttention(AttentionMode.STOCK);
    }

    /** Returns these options with another attention. */
    public ChaiOptions withAttention(AttentionMode newAttention) {
        return new ChaiOptions(newAttention, profile, kvCacheMaxBytes, threads, weights, kvCacheType, maxIdleSequences);
    }

    /** Returns these options with another profile. */
    public ChaiOptions withProfile(ClusterProfile newProfile) {
        return new ChaiOptions(attention, newProfile, kvCacheMaxBytes, threads, weights, kvCacheType, maxIdleSequences);
    }

    /** Returns these options with another budget for keys and values, in bytes. */
    public ChaiOptions withKvCacheMaxBytes(long newMaxBytes) {
        return new ChaiOptions(attention, profile, newMaxBytes, threads, weights, kvCacheType, maxIdleSequences);
    }

    /** Returns these options with another number of threads. */
    public ChaiOptions withThreads(int newThreads) {
        return new ChaiOptions(attention, profile, kvCacheMaxBytes, newThreads, weights, kvCacheType, maxIdleSequences);
    }

    /** Returns these options with another type of weights. */
    public ChaiOptions withWeights(WeightType newWeights) {
        return new ChaiOptions(attention, profile, kvCacheMaxBytes, threads, newWeights, kvCacheType, maxIdleSequences);
    }

    /** Returns these options with another type of keys and values. */
    public ChaiOptions withKvCacheType(KvType newType) {
        return new ChaiOptions(attention, profile, kvCacheMaxBytes, threads, weights, newType, maxIdleSequences);
    }

    /** Returns these options with another number of idle sequences to keep, 0 to reuse nothing. */
    public ChaiOptions withMaxIdleSequences(int newMax) {
        return new ChaiOptions(attention, profile, kvCacheMaxBytes, threads, weights, kvCacheType, newMax);
    }

    /** Returns the default budget: a quarter of the memory of the machine or container, in bytes. */
    public static long defaultKvCacheMaxBytes() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize() / 4;
    }
}
