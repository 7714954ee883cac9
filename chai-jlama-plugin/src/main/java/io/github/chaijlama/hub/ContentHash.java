// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a file's content must hash to. The hub names large files after their SHA-256 and others after what Git calls
 * them, and so does its cache.
 *
 * @param hex lower-case hexadecimal digits: 64 of SHA-256, or 40 of a Git blob
 */
record ContentHash(String hex) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}|[0-9a-f]{40}");
    private static final int SHA256_DIGITS = 64;

    /** Returns the hash that a text is, empty if it is none. */
    static Optional<ContentHash> parse(String text) {
        return HEX.matcher(text).matches() ? Optional.of(new ContentHash(text)) : Optional.empty();
    }

    /** Returns the hash that a header says, {@code "abc.."} or {@code W/"abc.."}, empty if it says something else. */
    static Optional<ContentHash> ofEtag(String header) {
        String text = header.startsWith("W/") ? header.substring(2) : header;
        return parse(text.replace("\"", ""));
    }

    private boolean isSha256() {
        return hex.length() == SHA256_DIGITS;
    }

    /**
     * Returns a digest to update with a file's content.
     *
     * @param size bytes of the file, which Git hashes, too
     */
    MessageDigest newDigest(long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance(isSha256() ? "SHA-256" : "SHA-1");
            if (!isSha256()) {
                digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1 and SHA-256", e);
        }
    }

    /** Returns the hash that a digest has come to; the digest begins again. */
    static ContentHash of(MessageDigest digest) {
        return new ContentHash(HexFormat.of().formatHex(digest.digest()));
    }

    /** Returns the hash and what kind it is. */
    @Override
    public String toString() {
        return (isSha256() ? "SHA-256 " : "Git's SHA-1 ") + hex;
    }
}
