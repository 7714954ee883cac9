// SPDX-License-Identifier: Apache-2.0
/**
 * Keys and values that outlive their request: a conversation that is sent again, one turn longer, is not read again
 * from its beginning.
 */
@NullMarked
package io.github.chaijlama.prefix;

import org.jspecify.annotations.NullMarked;
