// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import io.github.chaijlama.jlama.JlamaModel;

/** What this is, for files and reports that outlive a run. */
public final class ChaiVersion {
    /** Version of this project. */
    public static final String CHAI = "0.1.0";

    private ChaiVersion() {}

    /** Returns the version of the Jlama on the class path, as its jar states it. */
    public static String jlama() {
        return JlamaModel.version();
    }
}
