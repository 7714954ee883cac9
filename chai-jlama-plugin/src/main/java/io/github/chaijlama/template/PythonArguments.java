// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.hubspot.jinjava.el.ext.NamedParameter;

/** What a template calls a method, a filter or a test with: values by place and by name. */
final class PythonArguments {
    private final List<Object> byPlace = new ArrayList<>();
    private final Map<String, Object> byName = new HashMap<>();

    PythonArguments(Object... values) {
        for (Object value : values) {
            if (value instanceof NamedParameter named) {
                byName.put(named.getName(), named.getValue());
            } else {
                byPlace.add(value);
            }
        }
    }

    List<Object> all() {
        return byPlace;
    }

    /** Returns an argument, or what stands for it if it is not given. */
    Object get(int place, String name, Object otherwise) {
        return place < byPlace.size() ? byPlace.get(place) : byName.getOrDefault(name, otherwise);
    }

    String text(int place) {
        return PythonMethods.requireText(get(place, "", null));
    }

    boolean isTrue(int place, String name, boolean otherwise) {
        return PythonValues.isTrue(get(place, name, otherwise));
    }

    /** Returns the arguments from a place on. */
    PythonArguments from(int place) {
        return new PythonArguments(byPlace.subList(Math.min(place, byPlace.size()), byPlace.size()).toArray());
    }
}
