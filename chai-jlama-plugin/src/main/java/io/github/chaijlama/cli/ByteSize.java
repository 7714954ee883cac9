// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number of bytes as people write it: {@code 1000000}, {@code 512MiB}, {@code 2G}. Units are powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,18})\\s*([KMGT]?)(?:I?B)?");
    private static final String UNITS = "KMGT";
    private static final int BITS_PER_UNIT = 10;

    @Override
    public Long convert(String text) {
        Matcher matcher = SIZE.matcher(text.toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new TypeConversionException("expected a size like 1000000, 512MiB or 2G, found '" + text + "'");
        }
        long number = Long.parseLong(matcher.group(1));
        int shift = matcher.group(2).isEmpty() ? 0 : BITS_PER_UNIT * (UNITS.indexOf(matcher.group(2)) + 1);
        if (number < 1 || number > Long.MAX_VALUE >> shift) {
            throw new TypeConversionException(
                    "expected a size of at least 1 byte and below 8 EiB, found '" + text + "'");
        }
        return number << shift;
    }
}
