// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class ShareTests {

    @ParameterizedTest
    @CsvSource({ "1%, 0.01", "0.01, 0.01", "2.5 %, 0.025", "0, 0", "150%, 1.5" })
    void percentAndFractionsAreShares(String text, double share) {
        assertThat(Share.parse(text)).hasValue(share);
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "much", "-1%", "1%%", ".5", "1.", "1e-2", " 1%", "NaN", "1234567890" })
    void nothingElseIs(String text) {
        assertThat(Share.parse(text)).isEmpty();
    }

    @Test
    void percentIsDividedAndNotMultiplied() {
        // 35 * 0.01 is 0.35000000000000003.
        assertThat(Share.parse("35%")).hasValue(0.35);
    }
}
