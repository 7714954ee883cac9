// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import com.hubspot.jinjava.util.ForLoop;
import org.jspecify.annotations.Nullable;

/** The {@code loop} of a {@code for}; a Jinjava loop, so that {@code break} and {@code continue} find it. */
final class PythonLoop extends ForLoop {
    private final List<@Nullable Object> elements;
    private final int depth;
    private Optional<List<@Nullable Object>> lastValues = Optional.empty();

    PythonLoop(List<@Nullable Object> elements, int depth) {
        super(elements.iterator(), elements.size());
        this.elements = elements;
        this.depth = depth;
    }

    int depth() {
        return depth;
    }

    /** Returns what {@code loop.name} is. */
    @Nullable Object attribute(String name) {
        int at = getIndex0();
        int size = elements.size();
        return switch (name) {
            case "index" -> at + 1L;
            case "index0" -> (long) at;
            case "revindex" -> (long) size - at;
            case "revindex0" -> size - at - 1L;
            case "first" -> at == 0;
            case "last" -> at == size - 1;
            case "length" -> (long) size;
            case "depth" -> (long) depth;
            case "depth0" -> depth - 1L;
            case "previtem" -> at > 0 ? elements.get(at - 1) : null;
            case "nextitem" -> at + 1 < size ? elements.get(at + 1) : null;
            default -> throw new PythonValues.TemplateFault("loop has no '" + name + "' that is supported");
        };
    }

    /** Whether values differ from those of the last call. */
    boolean changed(List<@Nullable Object> values) {
        boolean result = lastValues.isEmpty() || !PythonValues.equal(lastValues.get(), values);
        lastValues = Optional.of(new ArrayList<@Nullable Object>(values));
        return result;
    }

    @Nullable Object cycle(List<@Nullable Object> values) {
        if (values.isEmpty()) {
            throw new PythonValues.TemplateFault("loop.cycle has nothing to choose from");
        }
        return values.get(getIndex0() % values.size());
    }
}
