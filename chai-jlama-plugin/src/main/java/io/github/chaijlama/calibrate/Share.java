// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A share of a whole as people write it: {@code 1%} or {@code 0.01}. */
public final class Share {
    private static final Pattern SHARE = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)\\s*(%?)");

    private Share() {}

    /** Returns the share that a text is, 0.01 for {@code 1%}; empty if it is none. */
    public static OptionalDouble parse(String text) {
        Matcher matcher = SHARE.matcher(text);
        if (!matcher.matches()) {
            return OptionalDouble.empty();
        }
        double number = Double.parseDouble(matcher.group(1));
        return OptionalDouble.of(matcher.group(2).isEmpty() ? number : number / 100);
    }
}
