// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.hubspot.jinjava.el.ext.NamedParameter;
import org.jspecify.annotations.Nullable;

/** What a template calls a method, a filter or a test with: values by place and by name. */
final class PythonArguments {
    private final List<@Nullable Object> byPlace = new ArrayList<>();
    private final Map<String, @Nullable Object> byName = new HashMap<>();

    PythonArguments(@Nullable Object... values) {
        for (@Nullable Object value : values) {
            if (value instanceof NamedParameter named) {
                byName.put(named.getName(), named.getValue());
            } else {
                byPlace.add(value);
            }
        }
    }

    List<@Nullable Object> all() {
        return byPlace;
    }

    Map<String, @Nullable Object> named() {
        return byName;
    }

    /** Returns an argument, undefined if it is not given. */
    @Nullable Object get(int place, String name) {
        return get(place, name, null);
    }

    /** Returns an argument, or what stands for it if it is not given. */
    @Nullable Object get(int place, String name, @Nullable Object otherwise) {
        return place < byPlace.size() ? byPlace.get(place) : byName.getOrDefault(name, otherwise);
    }

    String text(int place) {
        return PythonMethods.requireText(get(place, ""));
    }

    boolean isTrue(int place, String name, boolean otherwise) {
        return PythonValues.isTrue(get(place, name, otherwise));
    }

    /** Returns the arguments from a place on. */
    PythonArguments from(int place) {
        PythonArguments rest = new PythonArguments(
                byPlace.subList(Math.min(place, byPlace.size()), byPlace.size()).toArray());
        rest.byName.putAll(byName);
        return rest;
    }
}
