// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLConnection;
import java.util.List;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

/** Loading a model and chatting with it contacts nobody. */
class NoNetworkTests {

    @BeforeAll
    static void listen() {
        NetworkRecorder.start();
    }

    @Test
    void nobodyIsContacted() throws InterruptedException {
        assertThat(NetworkRecorder.contacts()).as("by tests that ran before in this JVM").isEmpty();
        try (TextModel model = TextModel.load(TestModels.POCKET, ChaiOptions.exact())) {
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Hello!")));
            model.chat(prompt, GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation());
        }
        Thread.sleep(500); // whoever calls home in the background has the time to
        assertThat(NetworkRecorder.contacts()).isEmpty();
        assertThat(System.getProperty("OPT_OUT_TRACKING", System.getenv("OPT_OUT_TRACKING"))).isEqualTo("true");
    }

    private static void connect(URLConnection connection) {
        connection.setConnectTimeout(1000);
        try {
            connection.connect();
        } catch (IOException _) {
            // There is no such host, or nobody listens.
        }
    }

    /** The recorder would have noticed. */
    @Test
    void theRecorderHearsNames() throws IOException {
        List<String> before = NetworkRecorder.contacts();
        assertThat(NetworkRecorder
                .contactsOf(() -> connect(URI.create("http://chai.invalid/").toURL().openConnection())))
                .contains("http://chai.invalid/", "chai.invalid");
        assertThat(NetworkRecorder.contacts()).as("not held against anybody").isEqualTo(before);
    }

    /** Nobody is asked for a proxy, and no name is looked up. */
    @Test
    void theRecorderHearsAddressesWithoutAProxy() throws IOException {
        String address = "http://127.0.0.1:" + closedPort() + "/";
        assertThat(NetworkRecorder
                .contactsOf(() -> connect(URI.create(address).toURL().openConnection(Proxy.NO_PROXY))))
                .containsExactly(address);
        assertThat(NetworkRecorder.contactsOf(() -> URI.create("https://127.0.0.1/").toURL()
                .openConnection(Proxy.NO_PROXY))).containsExactly("https://127.0.0.1/");
    }

    @Test
    void theRecorderForgetsNothing() throws Exception {
        String address = "http://127.0.0.1:" + closedPort() + "/";
        Thread somebody = Thread.ofPlatform().start(() -> {
            try {
                connect(URI.create(address).toURL().openConnection(Proxy.NO_PROXY));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        somebody.join();
        NetworkRecorder.start(); // as the next class of tests would
        assertThat(NetworkRecorder.contacts()).contains(address);
        NetworkRecorder.forgive(address);
        assertThat(NetworkRecorder.contacts()).doesNotContain(address);
    }

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
