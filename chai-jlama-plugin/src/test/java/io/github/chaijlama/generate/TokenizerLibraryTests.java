// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

import ai.djl.engine.EngineException;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TokenizerLibraryTests {

    @Test
    void aLibraryThatCannotBeUnpackedIsNotBlamedOnTheModel() {
        EngineException failure = new EngineException("Failed to load Huggingface native library.",
                new IllegalStateException("Cannot copy jni files", new AccessDeniedException("/x")));
        assertThat(TokenizerLibrary.notLoaded(failure))
                .startsWith("the tokenizer library cannot be loaded: permission denied. It is unpacked into ")
                .contains("tokenizers, which must be a directory that can be written to", "-Djava.io.tmpdir")
                .doesNotContain("tokenizer.json");
        assertThat(TokenizerLibrary.notLoaded(new EngineException("No library", new NoSuchFileException("/y"))))
                .contains("cannot be loaded: /y does not exist. ");
        assertThat(TokenizerLibrary.notLoaded(new EngineException("No library"))).contains("loaded: No library. ");
    }
}
