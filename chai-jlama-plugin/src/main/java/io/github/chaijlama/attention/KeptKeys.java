// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

/** Which keys a layer of a sequence keeps. */
enum KeptKeys {
    /** Those that its representatives read. */
    READ,
    /** All, because other layers read them, too. */
    ALL,
    /** None, nor values: it uses those of an earlier layer. */
    NONE
}
