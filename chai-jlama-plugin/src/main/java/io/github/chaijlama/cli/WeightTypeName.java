// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Locale;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import io.github.chaijlama.WeightType;

/** The type of weights as an option names it. */
final class WeightTypeName implements ITypeConverter<WeightType> {
    static final String DESCRIPTION = "stored: as the files have them; q4: quantized to four bits when loaded; default: stored";

    @Override
    public WeightType convert(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "stored" -> WeightType.AS_STORED;
            case "q4" -> WeightType.Q4;
            default -> throw new TypeConversionException("expected stored or q4, found '" + text + "'");
        };
    }
}
