// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What users of the starter get with it. */
class ClassPathTests {

    @ParameterizedTest
    @ValueSource(strings = { "picocli.CommandLine", "org.slf4j.simple.SimpleLogger" })
    void whatOnlyTheCommandNeedsDoesNotComeAlong(String type) {
        assertThatThrownBy(() -> Class.forName(type)).isInstanceOf(ClassNotFoundException.class);
    }
}
