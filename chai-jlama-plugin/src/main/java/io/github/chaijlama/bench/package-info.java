// SPDX-License-Identifier: Apache-2.0
/**
 * Measuring whole models, and models of random weights to measure.
 */
@NullMarked
package io.github.chaijlama.bench;

import org.jspecify.annotations.NullMarked;
