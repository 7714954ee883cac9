// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.util.Objects;

import ai.djl.engine.EngineException;
import ai.djl.util.Utils;

import io.github.chaijlama.files.AtomicFile;

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

    /** Returns what to say of a library that cannot be loaded: nothing of the model's, as a rule. */
    static String notLoaded(EngineException failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String reason = cause instanceof IOException e ? AtomicFile.reason(e)
                : Objects.requireNonNullElseGet(cause.getMessage(), cause::toString);
        return "the tokenizer library cannot be loaded: " + reason + ". It is unpacked into "
                + Utils.getEngineCacheDir("tokenizers") + ", which must be a directory that can be written to; the "
                + "environment variable ENGINE_CACHE_DIR, or -Djava.io.tmpdir, names another";
    }

    private static void setDefault(String name, String value) {
        if (System.getenv(name) == null && System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }
}
