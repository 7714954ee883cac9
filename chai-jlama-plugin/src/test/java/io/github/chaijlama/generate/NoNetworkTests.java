// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.net.URI;
import java.net.URLConnection;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

/** Loading a model and chatting with it contacts nobody. */
class NoNetworkTests {

    @Test
    void nobodyIsContacted() throws InterruptedException {
        NetworkRecorder.start();
        try (TextModel model = TextModel.load(TestModels.POCKET, ChaiOptions.exact())) {
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Hello!")));
            model.chat(prompt, GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation());
        }
        Thread.sleep(500); // whoever calls home in the background has the time to
        assertThat(NetworkRecorder.contacts()).isEmpty();
        assertThat(System.getProperty("OPT_OUT_TRACKING", System.getenv("OPT_OUT_TRACKING"))).isEqualTo("true");
    }

    /** The recorder would have noticed. */
    @Test
    void theRecorderHears() throws IOException {
        NetworkRecorder.start();
        URLConnection connection = URI.create("http://chai.invalid/").toURL().openConnection();
        connection.setConnectTimeout(1000);
        try {
            connection.connect();
        } catch (IOException _) {
            // There is no such host.
        }
        assertThat(NetworkRecorder.contacts()).contains("http://chai.invalid/", "chai.invalid");
    }
}
