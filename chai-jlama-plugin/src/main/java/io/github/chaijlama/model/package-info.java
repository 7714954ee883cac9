// SPDX-License-Identifier: Apache-2.0
/**
 * The vocabulary of models: what a config.json says, as data that the forward pass runs on, and one description of
 * every family it can come from. Knows no weights, no Jlama and no arithmetic but that of rotary frequencies.
 */
@NullMarked
package io.github.chaijlama.model;

import org.jspecify.annotations.NullMarked;
