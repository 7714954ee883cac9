// SPDX-License-Identifier: Apache-2.0
/** A chat over HTTP: what an application needs beside the starter. */
@NullMarked
package io.github.chaijlama.sample;

import org.jspecify.annotations.NullMarked;
