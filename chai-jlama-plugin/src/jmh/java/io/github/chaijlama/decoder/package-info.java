// SPDX-License-Identifier: Apache-2.0
/**
 * Microbenchmarks of one layer's attention, Jlama's own ({@code stock}), this project's ({@code exact},
 * {@code clustered}) in one run, and of what happens once a sequence. They need the profile {@code jmh} and are no part
 * of the normal build:
 *
 * <pre>{@code
 * mvn -q -Pjmh -pl chai-jlama-plugin test-compile exec:exec                       # everything, about an hour
 * mvn -q -Pjmh -pl chai-jlama-plugin test-compile exec:exec \
 *     -Djmh.args="DecodeBenchmark -p shape=LLAMA_2_7B -p context=2048 -f 1"       # JMH's own options; -h lists them
 * }</pre>
 *
 * JMH forks JVMs with the flags of production ({@code --add-modules jdk.incubator.vector}). Every benchmark checks in
 * its setup that the arm computes what the others compute, before a second of it is timed.
 *
 * <p>The layer is a real one but for one thing: the rows that come in have 32 values and not thousands, so that the
 * four matrix products around attention cost next to nothing and what is timed is attention alone, through each arm's
 * real path. Keys and values of a single layer fit into large caches at short contexts, which {@code chai bench} is the
 * place to avoid.
 */
package io.github.chaijlama.decoder;
