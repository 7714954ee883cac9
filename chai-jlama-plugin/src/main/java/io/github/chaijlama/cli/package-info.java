// SPDX-License-Identifier: Apache-2.0
/**
 * The {@code chai} command.
 */
package io.github.chaijlama.cli;
