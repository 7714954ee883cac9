// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The sample on a port of its own, and somebody who talks to it over HTTP. */
final class RunningSample implements AutoCloseable {
    static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final ConfigurableApplicationContext application;

    private RunningSample(ConfigurableApplicationContext application) {
        this.application = application;
    }

    /** Starts the sample with these arguments, and conversations in memory where they say nothing else. */
    static RunningSample start(String... arguments) {
        return start(List.of(SampleApplication.class), arguments);
    }

    static RunningSample start(List<Class<?>> sources, String... arguments) {
        String[] all = Stream.concat(Arrays.stream(arguments), Stream
                .of("--server.port=0", "--sample.conversations.store=memory")
                .filter(each -> Arrays.stream(arguments)
                        .noneMatch(given -> given.startsWith(each.substring(0, each.indexOf('=') + 1)))))
                .toArray(String[]::new);
        return new RunningSample(SpringApplication.run(sources.toArray(Class<?>[]::new), all));
    }

    ConfigurableApplicationContext application() {
        return application;
    }

    int port() {
        return application.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    URI uri(String path) {
        return URI.create("http://localhost:" + port() + path);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path)).header("Content-Type", "application/json");
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(request(path).GET());
    }

    HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    static String body(String conversationId, String message) {
        return MAPPER.writeValueAsString(Map.of("conversationId", conversationId, "message", message));
    }

    static JsonNode json(HttpResponse<String> response) {
        return MAPPER.readTree(response.body());
    }

    /** Returns the events of a stream, their names and their data. */
    static List<Map.Entry<String, JsonNode>> events(HttpResponse<String> response) {
        List<Map.Entry<String, JsonNode>> events = new ArrayList<>();
        for (String event : response.body().split("\n\n")) {
            String[] lines = event.split("\n");
            events.add(Map.entry(lines[0].substring("event:".length()),
                    MAPPER.readTree(lines[1].substring("data:".length()))));
        }
        return events;
    }

    @Override
    public void close() {
        application.close();
    }
}
