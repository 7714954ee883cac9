// SPDX-License-Identifier: Apache-2.0
/**
 * Short parallel regions.
 */
package io.github.chaijlama.parallel;
