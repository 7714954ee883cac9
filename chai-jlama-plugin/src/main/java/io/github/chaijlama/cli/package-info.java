// SPDX-License-Identifier: Apache-2.0
/**
 * The {@code chai} command.
 */
@NullMarked
package io.github.chaijlama.cli;

import org.jspecify.annotations.NullMarked;
