// SPDX-License-Identifier: Apache-2.0
/**
 * Which heads attend alike: features as inner products, clustering, representatives.
 */
@NullMarked
package io.github.chaijlama.cluster;

import org.jspecify.annotations.NullMarked;
