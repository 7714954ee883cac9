// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.function.Consumer;

/**
 * What a value may be. Nodes refer to each other in circles where a schema is recursive, so they are linked first and
 * then measured by {@link #measure} until nothing changes; after that they do not change any more. Equality is
 * identity.
 */
abstract sealed class SchemaNode implements Frame.Nonterminal {
    private long shortest = NEVER;

    /** Returns the bytes of the shortest value, {@link Frame#NEVER} as long as none is known. */
    @Override
    public final long shortest() {
        return shortest;
    }

    /**
     * Looks again for the shortest value, now that more may be known of the others; returns whether it became shorter.
     */
    final boolean measure() {
        long measured = Math.min(NEVER, measured());
        boolean shorter = measured < shortest;
        shortest = measured;
        return shorter;
    }

    /** Returns the bytes of the shortest value as far as is known of the other nodes. */
    abstract long measured();

    /** Returns {@code count} times {@code bytes}, at most {@link Frame#NEVER}. */
    static long times(long count, long bytes) {
        return count == 0 ? 0 : bytes > NEVER / count ? NEVER : count * bytes;
    }

    /** A value that is written by one part or one after the other. */
    static final class Sequence extends SchemaNode {
        private final Frame[] parts;

        Sequence(Frame... parts) {
            this.parts = parts;
        }

        @Override
        long measured() {
            long sum = 0;
            for (Frame part : parts) {
                sum = Math.min(NEVER, sum + part.shortest());
            }
            return sum;
        }

        @Override
        public void expand(Stack below, Consumer<Stack> alternatives) {
            alternatives.accept(below.pushAll(parts));
        }
    }

    /** One of several. */
    static final class Union extends SchemaNode {
        private SchemaNode[] alternatives = {};

        /** Links the alternatives, none for a value that cannot exist. */
        Union of(SchemaNode... nodes) {
            alternatives = nodes;
            return this;
        }

        @Override
        long measured() {
            long best = NEVER;
            for (SchemaNode alternative : alternatives) {
                best = Math.min(best, alternative.shortest());
            }
            return best;
        }

        @Override
        public void expand(Stack below, Consumer<Stack> into) {
            for (SchemaNode alternative : alternatives) {
                if (alternative.shortest() < NEVER) {
                    into.accept(below.push(alternative));
                }
            }
        }
    }

    /** A list. Values have a place in {@code first}, or they are like {@code others}. */
    static final class ListNode extends SchemaNode {
        private final SchemaNode[] first;
        private final SchemaNode others;
        private final int minItems;
        private final int maxItems;

        /**
         * Creates a list.
         *
         * @param maxItems most items, -1 for any number
         */
        ListNode(SchemaNode[] first, SchemaNode others, int minItems, int maxItems) {
            this.first = first;
            this.others = others;
            this.minItems = minItems;
            this.maxItems = maxItems;
        }

        private SchemaNode item(int index) {
            return index < first.length ? first[index] : others;
        }

        @Override
        long measured() {
            return maxItems >= 0 && minItems > maxItems ? NEVER : 1 + shortestFrom(0);
        }

        private long shortestFrom(int count) {
            long sum = 1;
            int at = count;
            for (; at < Math.min(minItems, first.length); at++) {
                sum = Math.min(NEVER, sum + (at == 0 ? 0 : 1) + item(at).shortest());
            }
            if (at < minItems) {
                sum += times(minItems - at, others.shortest() + 1) - (at == 0 ? 1 : 0);
            }
            return sum;
        }

        @Override
        public void expand(Stack below, Consumer<Stack> alternatives) {
            alternatives.accept(below.push(new Items(this, 0)).push(Literals.OPEN_LIST));
        }
    }

    /**
     * The rest of a list.
     *
     * @param count how many items have been written, as far as it matters
     */
    record Items(ListNode list, int count) implements Frame.Nonterminal {
        @Override
        public long shortest() {
            return list.shortestFrom(count);
        }

        @Override
        public void expand(Stack below, Consumer<Stack> alternatives) {
            if (count >= list.minItems) {
                Stack end = below.push(Literals.CLOSE_LIST);
                alternatives.accept(count == 0 ? end : end.push(Whitespace.BREAK));
            }
            SchemaNode item = list.item(count);
            if ((list.maxItems < 0 || count < list.maxItems) && item.shortest() < NEVER) {
                Stack more = below.pushAll(Whitespace.BREAK, item, new Items(list, counted()));
                alternatives.accept(count == 0 ? more : more.push(Literals.COMMA));
            }
        }

        private int counted() {
            int matters = Math.max(1, Math.max(list.minItems, list.first.length));
            return list.maxItems < 0 ? Math.min(count + 1, matters) : count + 1;
        }
    }

    /**
     * A property.
     *
     * @param key   its name in quotation marks, and a colon
     * @param value what its value may be
     */
    record Property(Literal key, SchemaNode value, boolean required) {}

    /** An object: the declared properties in their order, then others where there may be others. */
    static final class ObjectNode extends SchemaNode {
        private final Property[] properties;
        private final Frame.Terminal newKey;
        private final SchemaNode additional;
        /**
         * Bytes of the shortest rest {@code (property)} with and without a property before it; known once values are.
         */
        private final long[] shortestFirst;
        private final long[] shortestNext;

        /**
         * Creates an object.
         *
         * @param newKey     key of an additional property
         * @param additional value of an additional property
         */
        ObjectNode(Property[] properties, Frame.Terminal newKey, SchemaNode additional) {
            this.properties = properties;
            this.newKey = newKey;
            this.additional = additional;
            this.shortestFirst = new long[properties.length + 1];
            this.shortestNext = new long[properties.length + 1];
        }

        @Override
        long measured() {
            int count = properties.length;
            shortestFirst[count] = 1;
            shortestNext[count] = 1;
            for (int i = count - 1; i >= 0; i--) {
                Property property = properties[i];
                long written = property.key.shortest() + property.value.shortest() + shortestNext[i + 1];
                shortestFirst[i] = Math.min(NEVER, property.required ? written : shortestFirst[i + 1]);
                shortestNext[i] = Math.min(NEVER, property.required ? written + 1 : shortestNext[i + 1]);
            }
            return 1 + shortestFirst[0];
        }

        @Override
        public void expand(Stack below, Consumer<Stack> alternatives) {
            alternatives.accept(below.push(new Members(this, 0, true)).push(Literals.OPEN_OBJECT));
        }
    }

    /**
     * The rest of an object.
     *
     * @param next  the first property that may come
     * @param first whether none has been written
     */
    record Members(ObjectNode object, int next, boolean first) implements Frame.Nonterminal {
        @Override
        public long shortest() {
            return first ? object.shortestFirst[next] : object.shortestNext[next];
        }

        @Override
        public void expand(Stack below, Consumer<Stack> alternatives) {
            for (int i = next; i < object.properties.length; i++) {
                Property property = object.properties[i];
                if (property.value.shortest() < NEVER) {
                    member(below.push(new Members(object, i + 1, false)).push(property.value)
                            .push(Whitespace.SPACE).push(property.key), alternatives);
                }
                if (property.required) {
                    return;
                }
            }
            if (object.additional.shortest() < NEVER) {
                member(below.push(new Members(object, object.properties.length, false)).push(object.additional)
                        .pushAll(Literals.QUOTE, object.newKey, Literals.COLON, Whitespace.SPACE), alternatives);
            }
            Stack end = below.push(Literals.CLOSE_OBJECT);
            alternatives.accept(first ? end : end.push(Whitespace.BREAK));
        }

        private void member(Stack stack, Consumer<Stack> alternatives) {
            Stack spaced = stack.push(Whitespace.BREAK);
            alternatives.accept(first ? spaced : spaced.push(Literals.COMMA));
        }
    }

    /** The punctuation of JSON. */
    private static final class Literals {
        static final Literal OPEN_LIST = Literal.of("[");
        static final Literal CLOSE_LIST = Literal.of("]");
        static final Literal OPEN_OBJECT = Literal.of("{");
        static final Literal CLOSE_OBJECT = Literal.of("}");
        static final Literal COMMA = Literal.of(",");
        static final Literal COLON = Literal.of(":");
        static final Literal QUOTE = Literal.of("\"");
    }
}
