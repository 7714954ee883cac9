// SPDX-License-Identifier: Apache-2.0
/**
 * Jlama from outside: loading a model directory into it, and exchanging its attention, key/value cache and feed-forward
 * network in place. All reflection is in one class.
 */
package io.github.chaijlama.jlama;
