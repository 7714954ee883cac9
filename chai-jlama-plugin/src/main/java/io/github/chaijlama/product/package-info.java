// SPDX-License-Identifier: Apache-2.0
/**
 * Products of rows and weights.
 */
package io.github.chaijlama.product;
