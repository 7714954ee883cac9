// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;

/** Models that see and read: the configuration and the tensors of what reads. */
final class TextHalf {
    /** The tensors of what reads are somewhere among those of the whole. */
    static final TensorNames NAMES = TensorNames.of(
            List.of(new TensorNames.Prefix("model.language_model.", "model."),
                    new TensorNames.Prefix("language_model.", "")),
            "(model\\.)?(vision_tower|multi_modal_projector|embed_vision|embed_audio|audio_tower)\\..*");

    private TextHalf() {}

    /**
     * Returns {@code text_config}, with what counts for the whole model: whether the output is tied (unless something
     * else is said it is), tokens, and how weights were quantized.
     */
    static ConfigValues config(ConfigValues config) {
        ConfigValues text = config.object("text_config");
        if (text.isEmpty()) {
            throw config.bad("text_config", "an object with the configuration of the text model");
        }
        return text.with(config, List.of("bos_token_id", "eos_token_id", "quantization_config"))
                .withFlag("tie_word_embeddings", config.flag("tie_word_embeddings", true));
    }
}
