// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.tiny.TinyApplication;

/** An application with the endpoint, on a port of its own, and a client of it. */
public final class OpenAiServer implements AutoCloseable {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final ConfigurableApplicationContext context;
    private final HttpClient client = HttpClient.newHttpClient();

    private OpenAiServer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts an application with the model of an engine, which it closes. */
    static OpenAiServer of(ChaiEngine engine, String... properties) {
        return start(beans -> beans.registerBean(ChaiEngine.class, () -> engine), properties);
    }

    /** Starts an application with some beans and properties. */
    public static OpenAiServer start(Consumer<GenericApplicationContext> beans, String... properties) {
        String[] all = Stream.concat(Stream.of("spring.main.web-application-type=servlet", "server.port=0",
                "server.address=127.0.0.1", "chai.openai.enabled=true"), Stream.of(properties))
                .map(property -> "--" + property).toArray(String[]::new);
        return new OpenAiServer(new SpringApplicationBuilder(TinyApplication.class)
                .initializers(context -> beans.accept((GenericApplicationContext) context)).run(all));
    }

    ConfigurableApplicationContext context() {
        return context;
    }

    private int port() {
        return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
    }

    /** Returns the address that clients of OpenAI's API take. */
    public String url() {
        return "http://127.0.0.1:" + port() + "/v1";
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url() + path));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(request(path));
    }

    /** Gets what is beside the endpoint. */
    HttpResponse<String> getBeside(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path)));
    }

    HttpResponse<String> post(String path, String json) throws IOException, InterruptedException {
        return send(request(path).header("Content-Type", "application/json").POST(BodyPublishers.ofString(json)));
    }

    /** Returns the answer to a request that succeeds. */
    JsonNode answer(String path, String json) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, json);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + ": " + response.body());
        }
        return MAPPER.readTree(response.body());
    }

    /** Returns the events of an answer without the one that ends them, which must be there. */
    List<JsonNode> events(String path, String json) throws IOException, InterruptedException {
        HttpResponse<String> response = post(path, json);
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (!type.startsWith("text/event-stream") || !response.body().endsWith("data: [DONE]\n\n")) {
            throw new AssertionError(response.statusCode() + ", " + type + ": " + response.body());
        }
        List<JsonNode> events = new ArrayList<>();
        for (String event : response.body().split("\n\n", -1)) {
            if (!event.isEmpty() && !event.startsWith(":") && !event.equals("data: [DONE]")) {
                events.add(MAPPER.readTree(event.substring("data: ".length())));
            }
        }
        return events;
    }

    static JsonNode error(HttpResponse<String> response) throws IOException {
        return MAPPER.readTree(response.body()).path("error");
    }

    /** Opens a connection and sends a request on it; whoever calls this reads, or goes away. */
    Socket open(String path, String json) throws IOException {
        Socket socket = new Socket("127.0.0.1", port());
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        socket.getOutputStream().write(("POST /v1" + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                + "application/json\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(body);
        socket.getOutputStream().flush();
        return socket;
    }

    @Override
    public void close() {
        context.close();
        client.close();
    }
}
