// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * A document. Immutable.
 *
 * @param title    its heading and the page's title
 * @param subtitle one line below, empty for none
 * @param sections its parts, in order
 */
public record Report(String title, String subtitle, List<Section> sections) {

    public Report {
        sections = List.copyOf(sections);
    }
}
