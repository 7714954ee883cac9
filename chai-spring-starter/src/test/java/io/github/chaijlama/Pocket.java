// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;

/** The model that the sample application ships. */
public final class Pocket {
    public static final Path MODEL = Path.of("../sample-app/src/main/resources/models/pocket");
    public static final Path PROFILE = Path.of("../sample-app/src/main/resources/profiles/pocket.json");
    /** A story and a question whose answer names the river. */
    public static final String QUESTION = "Read this: Finn was a lucky owl. Finn lived near the meadow. One cold "
            + "morning, "
            + "Finn went to the river. There Finn found a green whistle. Then Rose the penguin came to help.\n"
            + "Where did Finn go?";

    private Pocket() {}

    public static ChaiEngine engine() {
        return ChaiEngine.load(MODEL, "pocket", ChaiOptions.clustered(ClusterProfile.read(PROFILE)));
    }
}
