// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.ResponseCookie;

/**
 * Whose conversations a request sees. A browser has a random name in a cookie that no script can read; what is stored
 * is its digest. Who sends no cookie, such as curl, shares conversations with all others who send none.
 */
final class Browser {
    static final String COOKIE = "chai-sample";
    /** The owner of conversations without a browser; no digest looks like it. */
    static final String NOBODY = "-";

    private static final int NAME_BYTES = 32;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{43}");
    private static final SecureRandom RANDOM = new SecureRandom();

    private Browser() {}

    /** Returns the owner of the conversations that a request may see. */
    static String owner(HttpServletRequest request) {
        return name(request).map(Browser::digest).orElse(NOBODY);
    }

    /** Returns the name that a request brings along. */
    static Optional<String> name(HttpServletRequest request) {
        Cookie[] cookies = request.getCookies();
        return cookies == null ? Optional.empty()
                : Arrays.stream(cookies).filter(cookie -> cookie.getName().equals(COOKIE)).map(Cookie::getValue)
                        .filter(value -> NAME.matcher(value).matches()).findFirst();
    }

    /** Returns a name that nobody guesses. */
    static String newName() {
        byte[] bytes = new byte[NAME_BYTES];
        RANDOM.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Returns the cookie that gives a browser its name, or lets it keep it. */
    static ResponseCookie cookie(String name, HttpServletRequest request, Duration maxAge) {
        return ResponseCookie.from(COOKIE, name).httpOnly(true).sameSite("Strict").secure(request.isSecure())
                .path(request.getContextPath() + "/").maxAge(maxAge).build();
    }

    /** Returns the owner of a browser's conversations. */
    static String digest(String name) {
        try {
            return HexFormat.of().formatHex(
                    MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
