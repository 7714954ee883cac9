// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * Keeps the tokenizer library (DJL's binding of Hugging Face's) off the network. It reports its use to a server of its
 * makers unless {@code OPT_OUT_TRACKING} is set, and on a machine with CUDA it downloads another build of itself unless
 * a flavor is chosen. Both are settings of the whole JVM, so a choice that the application made stands.
 */
final class TokenizerLibrary {

    private TokenizerLibrary() {}

    /** Must run before the library is first used. */
    static void configure() {
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("RUST_FLAVOR", "cpu");
    }

    private static void setDefault(String name, String value) {
        if (System.getenv(name) == null && System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }
}
