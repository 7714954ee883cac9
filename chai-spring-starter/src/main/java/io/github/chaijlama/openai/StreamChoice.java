// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

/**
 * How an answer is sent.
 *
 * @param events    in server-sent events while it comes, or at once when it is there
 * @param withUsage whether the events say how many tokens it took
 */
record StreamChoice(boolean events, boolean withUsage) {

    static StreamChoice read(Fields fields) {
        boolean events = fields.flag("stream", false);
        if (!fields.has("stream_options")) {
            return new StreamChoice(events, false);
        }
        if (!events) {
            throw OpenAiException.wrong("stream_options", "'stream_options' is for answers with 'stream' true only");
        }
        return new StreamChoice(true,
                Fields.of(fields.required("stream_options"), "stream_options").flag("include_usage", false));
    }
}
