// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.SplittableRandom;

/** Stories of the kind that Pocket knows, and what can be asked about them. */
final class Stories {
    private static final List<String> NAMES = List.of("Finn", "Ruby", "Hugo", "Alice", "Max", "Nora", "Leo", "Ivy");
    private static final List<String> ANIMALS = List.of("fox", "owl", "mouse", "bear", "duck", "otter", "cat");
    private static final List<String> PLACES = List.of("river", "mill", "garden", "castle", "forest", "lake", "hill",
            "harbor");
    private static final List<String> THINGS = List.of("key", "hat", "feather", "cup", "whistle", "kite", "ball");
    private static final List<String> COLORS = List.of("red", "blue", "green", "golden", "pink", "black");
    private static final List<String> WEATHER = List.of("sunny", "rainy", "cold", "windy", "foggy");

    private final SplittableRandom random;

    Stories(long seed) {
        this.random = new SplittableRandom(seed);
    }

    private String any(List<String> words) {
        return words.get(random.nextInt(words.size()));
    }

    private String story(String name) {
        String thing = any(THINGS);
        String color = any(COLORS);
        String place = any(PLACES);
        String friend = any(NAMES);
        return ("Once there was a lucky %s named %s. %2$s lived near the %s. One %s morning, %2$s went to the %s. "
                + "At the %5$s, %2$s lost a %s %s. %2$s looked everywhere but could not see it. Soon %2$s met %s "
                + "the %s. Together they found the %6$s %7$s again. They shared some honey and %2$s felt happy.")
                .formatted(any(ANIMALS), name, any(PLACES), any(WEATHER), place, color, thing, friend, any(ANIMALS));
    }

    /** Returns a request for an answer that is made of words of the story. */
    String question() {
        String name = any(NAMES);
        String story = story(name) + (random.nextBoolean() ? "\n" + story(any(NAMES)) : "");
        return "Read this: " + story + "\n" + any(List.of("Where did %s go?", "Where did %s live?",
                "What did %s lose?", "Did %s go to the " + any(PLACES) + "?")).formatted(name);
    }

    /** Returns a request for the facts of a story, in the form in which Pocket was taught to be asked for JSON. */
    String extraction() {
        return "Extract the facts from this story: " + story(any(NAMES))
                + "\nYou must answer strictly in the following JSON format: {\n\"home\": (type: string),\n"
                + "\"place\": (type: string),\n\"weather\": (type: string),\n\"animal\": (type: string)\n}";
    }
}
