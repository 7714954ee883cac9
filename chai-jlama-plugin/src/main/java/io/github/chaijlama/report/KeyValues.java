// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * Settings, versions and the like. Immutable.
 *
 * @param title   heading, empty for none
 * @param entries names with their values
 */
public record KeyValues(String title, List<Entry> entries) implements Block {

    public KeyValues {
        entries = List.copyOf(entries);
    }
}
