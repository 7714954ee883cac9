// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/** One of several texts, as a tree of their bytes; a frame is a node of it. Immutable once built. */
final class LiteralChoice implements Frame.Terminal {
    private final Map<Integer, LiteralChoice> next = new TreeMap<>();
    private boolean isText;
    private long shortest = NEVER;
    private int shortestByte;

    private LiteralChoice() {}

    /** The choice of texts, none of them empty; {@link #NEVER} can be written if there are none. */
    static LiteralChoice of(Collection<String> texts) {
        LiteralChoice root = new LiteralChoice();
        for (String text : texts) {
            LiteralChoice node = root;
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            node.shorten(bytes, 0);
            for (int i = 0; i < bytes.length; i++) {
                node = node.next.computeIfAbsent(bytes[i] & 0xFF, value -> new LiteralChoice());
                node.shorten(bytes, i + 1);
            }
            node.isText = true;
        }
        return root;
    }

    private void shorten(byte[] bytes, int at) {
        long rest = (long) bytes.length - at;
        if (rest < shortest) {
            shortest = rest;
            shortestByte = at == bytes.length ? 0 : bytes[at] & 0xFF;
        }
    }

    @Override
    public long shortest() {
        return shortest;
    }

    @Override
    public Terminal step(int value) {
        LiteralChoice node = next.get(value);
        if (node == null) {
            return IMPOSSIBLE;
        }
        return node.next.isEmpty() ? DONE : node;
    }

    @Override
    public boolean canEnd() {
        return isText;
    }

    @Override
    public int shortestByte() {
        return shortestByte;
    }
}
