// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvType;

/**
 * One of the things a benchmark compares.
 *
 * @param kind which attention, and of Jlama's own which activations
 * @param kv   how keys and values are stored; F32 where Jlama's own attention stores them
 */
public record BenchArm(ArmKind kind, KvType kv) {

    /** Creates an arm with 32-bit keys and values. */
    public BenchArm(ArmKind kind) {
        this(kind, KvType.F32);
    }

    /** Returns the arms of some kinds, each but Jlama's own with every type of keys and values. */
    public static List<BenchArm> of(List<ArmKind> kinds, List<KvType> types) {
        return kinds.stream().distinct()
                .flatMap(kind -> kind.isStock() ? Stream.of(new BenchArm(kind))
                        : types.stream().distinct().map(type -> new BenchArm(kind, type)))
                .toList();
    }

    /** Returns the attention of the arm. */
    public AttentionMode attention() {
        return kind.attention();
    }

    /** Returns the arm in the words of the command line, for instance {@code clustered} or {@code exact bf16}. */
    public String label() {
        return kv == KvType.F32 ? kind.toString() : kind + " " + kv.name().toLowerCase(Locale.ROOT);
    }
}
