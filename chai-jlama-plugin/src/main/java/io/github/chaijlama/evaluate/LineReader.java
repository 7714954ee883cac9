// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads lines of UTF-8 one by one. A line that is not UTF-8 or too long to be what it should be is reported and skipped
 * like any other bad line: neither ends the reading, and no line fills the heap. Not thread-safe; does not close the
 * stream.
 */
final class LineReader {
    /** Far above any text that fits into a context. */
    static final int MAX_LINE_BYTES = 16 << 20;

    private final InputStream in;
    private final String source;
    private final int maxBadLines;
    private final Consumer<BadLine> listener;
    private long line;
    private int badLines;

    LineReader(InputStream in, String source, int maxBadLines, Consumer<BadLine> listener) {
        this.in = new BufferedInputStream(in);
        this.source = source;
        this.maxBadLines = maxBadLines;
        this.listener = listener;
    }

    /**
     * Returns the next good line without its end, empty after the last.
     *
     * @throws EvaluationException if the stream fails, or with one bad line too many
     */
    Optional<String> next() {
        for (Optional<byte[]> bytes = bytes(); bytes.isPresent(); bytes = bytes()) {
            line++;
            try {
                return Optional.of(decode(bytes.get()));
            } catch (BadLineException e) {
                bad(e.getMessage());
            }
        }
        return Optional.empty();
    }

    private String decode(byte[] bytes) throws BadLineException {
        if (bytes.length > MAX_LINE_BYTES) {
            throw new BadLineException("expected at most " + MAX_LINE_BYTES + " bytes, found more");
        }
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            int start = line == 1 && text.startsWith("\uFEFF") ? 1 : 0;
            return text.substring(start, text.endsWith("\r") ? text.length() - 1 : text.length());
        } catch (CharacterCodingException _) {
            throw new BadLineException("expected UTF-8, found other bytes");
        }
    }

    /**
     * Returns the bytes up to the end of the line, one more than allowed of a line that is too long; empty at the end.
     */
    private Optional<byte[]> bytes() {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int value = in.read();
            if (value < 0) {
                return Optional.empty();
            }
            for (; value >= 0 && value != '\n'; value = in.read()) {
                if (bytes.size() <= MAX_LINE_BYTES) {
                    bytes.write(value);
                }
            }
            return Optional.of(bytes.toByteArray());
        } catch (IOException e) {
            throw new EvaluationException(source + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Reports the current line as bad.
     *
     * @throws EvaluationException if it is one too many
     */
    void bad(String reason) {
        BadLine bad = new BadLine(source, line, reason);
        badLines++;
        listener.accept(bad);
        if (badLines > maxBadLines) {
            throw new EvaluationException("more than " + maxBadLines + " bad lines, the last is " + bad);
        }
    }

    /** Returns the number of bad lines so far. */
    int badLines() {
        return badLines;
    }

    /** Returns the number of the line read last, from 1. */
    long line() {
        return line;
    }

    String source() {
        return source;
    }
}
