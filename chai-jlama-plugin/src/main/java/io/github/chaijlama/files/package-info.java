// SPDX-License-Identifier: Apache-2.0
/** Files that are written whole or not at all. */
@NullMarked
package io.github.chaijlama.files;

import org.jspecify.annotations.NullMarked;
