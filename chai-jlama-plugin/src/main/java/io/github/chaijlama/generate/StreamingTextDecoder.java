// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns the tokens of one answer into text as they come, byte for byte: a character whose bytes are spread over several
 * tokens appears whole, with the last of them. Bytes that are not UTF-8 become U+FFFD, one for each sequence that
 * breaks off, as they do when the whole answer is decoded at once. One instance per answer, not thread-safe.
 */
public final class StreamingTextDecoder {
    private static final int LONGEST_CHARACTER = 4;

    private final TokenBytes tokens;
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    /** The first bytes of a character that is not complete. */
    private byte[] pending = new byte[0];
    private boolean removeSpace;

    /**
     * Creates a decoder.
     *
     * @param startOfText whether the answer is a text of its own, in which the space that some vocabularies put before
     *                    the first word is not there; false when it continues a text
     */
    StreamingTextDecoder(TokenBytes tokens, boolean startOfText) {
        this.tokens = tokens;
        this.removeSpace = startOfText && tokens.hasLeadingSpace();
    }

    /** Returns the text that a token completes, often the token's own, possibly none. */
    public String next(int token) {
        byte[] bytes = tokens.of(token);
        if (removeSpace && bytes.length > 0) {
            removeSpace = false;
            if (bytes[0] == ' ') {
                return decode(bytes, 1, false);
            }
        }
        return decode(bytes, 0, false);
    }

    /** Returns what is left after the last token: U+FFFD for a character that never became complete, or nothing. */
    public String finish() {
        return decode(new byte[0], 0, true);
    }

    private String decode(byte[] bytes, int from, boolean end) {
        ByteBuffer in = ByteBuffer.allocate(pending.length + bytes.length - from).put(pending)
                .put(bytes, from, bytes.length - from).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + LONGEST_CHARACTER);
        utf8.decode(in, out, end);
        if (end) {
            utf8.flush(out);
            utf8.reset();
        }
        pending = new byte[in.remaining()];
        in.get(pending);
        return out.flip().toString();
    }
}
