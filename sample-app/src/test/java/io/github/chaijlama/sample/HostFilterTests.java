// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;

import static org.assertj.core.api.Assertions.assertThat;

/** Pages of other sites do not get in by giving their name this machine's address. */
@Timeout(120)
class HostFilterTests {
    private static RunningSample sample;

    @BeforeAll
    static void start() {
        sample = RunningSample.start("--sample.allowed-hosts=chat.example.org, OTHER.example",
                "--chai.openai.enabled=true", "--server.forward-headers-strategy=framework");
    }

    @AfterAll
    static void stop() {
        sample.close();
    }

    /** Sends a request with these headers and no other, and returns the whole answer. */
    private static String send(String line, String... headers) throws IOException {
        try (Socket socket = new Socket(InetAddress.getByName("localhost"), sample.port())) {
            String head = line + "\r\n" + Arrays.stream(headers).map(header -> header + "\r\n")
                    .collect(Collectors.joining()) + "Connection: close\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String get(String path, String host) throws IOException {
        return send("GET " + path + " HTTP/1.1", "Host: " + host);
    }

    private static void assertRefused(String response) {
        assertThat(response).startsWith("HTTP/1.1 421 ").contains("Content-Type: application/problem+json",
                "X-Frame-Options: DENY", "this is for requests to localhost; sample.allowed-hosts names other hosts");
    }

    @ParameterizedTest
    @ValueSource(strings = { "localhost", "localhost:8080", "LocalHost", "127.0.0.1", "127.0.0.1:1", "[::1]",
            "[::1]:8080", "chat.example.org", "other.example:443" })
    void isForThisMachineAndWhatIsAllowed(String host) throws Exception {
        assertThat(get("/api/info", host)).startsWith("HTTP/1.1 200 ");
    }

    @ParameterizedTest
    @ValueSource(strings = { "rebound.example", "rebound.example:8080", "localhost.rebound.example",
            "127.0.0.1.rebound.example", "xlocalhost", "localhost.", "127.0.0.2", "0.0.0.0", "[::]", "[::1", "[", ":80",
            "", "org" })
    void otherNamesAreRefused(String host) throws Exception {
        assertThat(new HostFilter(List.of("chat.example.org", "")).isAllowed(host)).isEqualTo(host.isEmpty()
                || host.equals(":80"));
        assertThat(new HostFilter(List.of("chat.example.org")).isAllowed(host)).isFalse();
        assertThat(get("/api/info", host)).matches("(?s)HTTP/1\\.1 4(00|21) .*"); // what is no host the server refuses
    }

    @ParameterizedTest
    @ValueSource(strings = { "/", "/chat.js", "/api/info", "/api/nothing", "/v1/models", "/actuator/health" })
    void nothingIsServedToThem(String path) throws Exception {
        assertThat(get(path, "localhost")).doesNotStartWith("HTTP/1.1 421 ");
        assertRefused(get(path, "rebound.example"));
    }

    @Test
    void noOtherHeaderHelps() throws Exception {
        assertRefused(send("GET /api/info HTTP/1.1", "Host: rebound.example", "X-Forwarded-Host: localhost",
                "Forwarded: host=localhost", "Origin: http://localhost", "Referer: http://localhost/"));
        assertRefused(send("GET /api/info HTTP/1.0", "X-Forwarded-Host: localhost"));
        assertThat(send("GET http://localhost/api/info HTTP/1.1", "Host: rebound.example"))
                .doesNotStartWith("HTTP/1.1 200 ");
        assertRefused(send("POST /api/chat HTTP/1.1", "Host: rebound.example", "Content-Type: application/json",
                "Content-Length: 0"));
    }

    @ParameterizedTest
    @CsvSource({ "localhost, true", "127.0.0.1, true", "::1, true", "0.0.0.0, false", "::, false", "192.0.2.1, false",
            ", false" })
    void namesMatterOnlyWhereNobodyElseIsToGetIn(String address, boolean checked) throws Exception {
        ServerProperties server = new ServerProperties();
        server.setAddress(address == null ? null : InetAddress.getByName(address));
        assertThat(new SampleApplication().hosts(server, List.of()).isEnabled()).isEqualTo(checked);
    }
}
