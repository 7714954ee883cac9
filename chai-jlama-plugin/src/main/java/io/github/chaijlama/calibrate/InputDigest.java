// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A digest of what goes into a calibration: a run that was stopped goes on only with the same. Not thread-safe. */
final class InputDigest {
    private final MessageDigest digest;

    InputDigest() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Adds a text in words. */
    void add(String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds numbers and how many there are. */
    void add(int[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate((numbers.length + 1) * Integer.BYTES);
        bytes.putInt(numbers.length).asIntBuffer().put(numbers);
        digest.update(bytes.array());
    }

    /** Ends the digest. */
    String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
