// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;

/** The small trained model that the plugin's build has, on the class path of the tests. */
public final class Pocket {
    public static final Path MODEL = resource("models/pocket");
    public static final Path PROFILE = resource("profiles/pocket.json");
    /** A story and a question whose answer names the river. */
    public static final String QUESTION = "Read this: Finn was a lucky owl. Finn lived near the meadow. One cold "
            + "morning, "
            + "Finn went to the river. There Finn found a green whistle. Then Rose the penguin came to help.\n"
            + "Where did Finn go?";

    private Pocket() {}

    private static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(Pocket.class.getResource("/" + name), name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public static ChaiEngine engine() {
        return ChaiEngine.load(MODEL, "pocket", ChaiOptions.clustered(ClusterProfile.read(PROFILE)));
    }
}
