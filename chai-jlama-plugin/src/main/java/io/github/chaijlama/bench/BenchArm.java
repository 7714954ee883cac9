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
 * @param attention the attention
 * @param kv        how keys and values are stored; F32 where Jlama's own attention stores them
 */
public record BenchArm(AttentionMode attention, KvType kv) {

    /** Creates an arm with 32-bit keys and values. */
    public BenchArm(AttentionMode attention) {
        this(attention, KvType.F32);
    }

    /** Returns the arms of some attentions, each but Jlama's own with every type of keys and values. */
    public static List<BenchArm> of(List<AttentionMode> attentions, List<KvType> types) {
        return attentions.stream().distinct()
                .flatMap(attention -> attention == AttentionMode.STOCK ? Stream.of(new BenchArm(attention))
                        : types.stream().distinct().map(type -> new BenchArm(attention, type)))
                .toList();
    }

    /** Returns the arm in the words of the command line, for instance {@code clustered} or {@code exact bf16}. */
    public String label() {
        String name = attention.name().toLowerCase(Locale.ROOT);
        return kv == KvType.F32 ? name : name + " " + kv.name().toLowerCase(Locale.ROOT);
    }
}
