// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;

/** The sections that every report has. */
final class Sections {
    private Sections() {}

    static Section result(List<Entry> keyFigures, List<String> remarks, List<Entry> model) {
        List<Block> blocks = new ArrayList<>();
        if (!keyFigures.isEmpty()) {
            blocks.add(new KeyFigures(keyFigures));
        }
        remarks.forEach(remark -> blocks.add(new Note(remark)));
        if (!model.isEmpty()) {
            blocks.add(new KeyValues("Model", model));
        }
        return new Section("Result", "", blocks);
    }

    static Section settings(List<Entry> settings, List<Entry> versions) {
        return new Section("Settings and versions", "",
                List.of(new KeyValues("Settings", settings), new KeyValues("Versions", versions)));
    }
}
