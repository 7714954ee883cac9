// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/**
 * The inside of a key that is none of an object's declared properties, as a tree of their names: as long as a key is
 * the beginning of a name it is a node of the tree, then a string like any other. Such keys have at least one character
 * and no escapes, so that there is one spelling of each. Immutable once built.
 */
final class NewKey implements Frame.Terminal {
    private static final StringBody FREE = StringBody.of(1, -1, false);

    private final StringBody body;
    private final Map<Integer, NewKey> next = new TreeMap<>();
    private boolean isName;
    private long shortest;
    private int shortestByte;

    private NewKey(StringBody body) {
        this.body = body;
    }

    /** The inside of a key other than these. */
    static Frame.Terminal otherThan(Collection<String> names) {
        NewKey root = new NewKey(FREE);
        names.forEach(root::add);
        root.findShortest();
        return root.next.isEmpty() ? FREE : root;
    }

    private void add(String name) {
        NewKey node = this;
        for (byte value : name.getBytes(StandardCharsets.UTF_8)) {
            if (!(node.body.step(value & 0xFF) instanceof StringBody inside)) {
                return; // it needs an escape, so no key is like it
            }
            node = node.next.computeIfAbsent(value & 0xFF, any -> new NewKey(inside));
        }
        node.isName = true;
    }

    private void findShortest() {
        next.values().forEach(NewKey::findShortest);
        shortest = NEVER;
        for (int value = 0; value < 256; value++) {
            long after = step(value).shortest();
            if (after + 1 < shortest) {
                shortest = after + 1;
                shortestByte = value;
            }
        }
    }

    @Override
    public long shortest() {
        return shortest;
    }

    @Override
    public Terminal step(int value) {
        Terminal free = body.step(value);
        if (free.equals(DONE)) {
            return isName ? IMPOSSIBLE : DONE;
        }
        NewKey node = next.get(value);
        return node != null && !free.equals(IMPOSSIBLE) ? node : free;
    }

    @Override
    public boolean canEnd() {
        return false;
    }

    @Override
    public int shortestByte() {
        return shortestByte;
    }
}
