// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;

/** An application as somebody operates it, over HTTP, with everything switched on. */
final class OperatedApplication implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final ConfigurableApplicationContext context;

    OperatedApplication(List<Class<?>> more, String... arguments) {
        List<Class<?>> sources = new ArrayList<>(more);
        sources.add(Application.class);
        this.context = new SpringApplication(sources.toArray(Class<?>[]::new))
                .run(Stream.concat(Stream.of("--spring.main.web-application-type=servlet", "--server.port=0",
                        "--management.endpoints.web.exposure.include=*",
                        "--management.endpoint.health.show-details=always", "--chai.openai.router-endpoints=true"),
                        Stream.of(arguments)).toArray(String[]::new));
    }

    @SpringBootConfiguration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {}

    ConfigurableApplicationContext context() {
        return context;
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:"
                + context.getEnvironment().getRequiredProperty("local.server.port") + path));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<String> get(String path) {
        return send(request(path));
    }

    HttpResponse<String> post(String path, String json) {
        return send(request(path).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** Begins to read an answer; whoever closes it goes away. */
    InputStream open(String path, String json) throws IOException, InterruptedException {
        HttpRequest request = request(path).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)).build();
        return CLIENT.send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
    }

    HttpResponse<String> delete(String path) {
        return send(request(path).DELETE());
    }

    static JsonNode json(HttpResponse<String> response) {
        try {
            return MAPPER.readTree(response.body());
        } catch (IOException e) {
            throw new IllegalStateException(response.body(), e);
        }
    }

    /** Returns the lines of a text that Prometheus would scrape. */
    List<String> scrape(String path) {
        return get(path).body().lines().toList();
    }

    /** Returns those of them that routers read, explanations left out. */
    static List<String> forRouters(List<String> lines) {
        return lines.stream().filter(line -> line.startsWith("vllm:") || line.startsWith("# TYPE vllm:")).sorted()
                .toList();
    }

    @Override
    public void close() {
        context.close();
    }
}
