// SPDX-License-Identifier: Apache-2.0
/**
 * The offline phase of CHAI (arXiv:2403.08058, section 3.2): which heads of a model attend alike, measured on sample
 * texts, and how many clusters each layer can do with, by an elbow or by what it costs in quality.
 */
@NullMarked
package io.github.chaijlama.calibrate;

import org.jspecify.annotations.NullMarked;
