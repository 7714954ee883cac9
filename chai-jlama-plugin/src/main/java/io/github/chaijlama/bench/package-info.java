// SPDX-License-Identifier: Apache-2.0
/**
 * Measuring whole models, and models of random weights to measure.
 */
package io.github.chaijlama.bench;
