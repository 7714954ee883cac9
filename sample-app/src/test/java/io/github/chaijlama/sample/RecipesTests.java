// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.yaml.snakeyaml.Yaml;

import static org.assertj.core.api.Assertions.assertThat;

/** What can be said of the container's recipe and of the Kubernetes example where neither runs. */
@Timeout(120)
class RecipesTests {
    private static final List<String> DOCKERFILE = dockerfile();
    private static final Map<String, Map<String, Object>> MANIFESTS = manifests();

    /** Returns the instructions, each on one line. */
    private static List<String> dockerfile() {
        try (Stream<String> lines = Files.lines(Path.of("Dockerfile"))) {
            String joined = String.join("\n", lines.filter(line -> !line.startsWith("#")).toList());
            return joined.replaceAll("\\\\\n\\s*", "").lines().filter(line -> !line.isBlank()).toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the objects of the example, by their kind. */
    private static Map<String, Map<String, Object>> manifests() {
        Map<String, Map<String, Object>> byKind = new HashMap<>();
        try {
            for (Object each : new Yaml().loadAll(Files.readString(Path.of("kubernetes.yml")))) {
                Map<String, Object> manifest = map(each);
                byKind.put((String) manifest.get("kind"), manifest);
            }
            return byKind;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object yaml) {
        return (Map<String, Object>) yaml;
    }

    /** Returns what is found by keys of maps and indexes of lists. */
    private static Object at(Object yaml, Object... path) {
        Object found = yaml;
        for (Object step : path) {
            found = step instanceof Integer index ? ((List<?>) found).get(index) : map(found).get(step);
            assertThat(found).as("%s of %s", step, List.of(path)).isNotNull();
        }
        return found;
    }

    private static Object pod() {
        return at(MANIFESTS.get("Deployment"), "spec", "template", "spec");
    }

    private static Object container() {
        return at(pod(), "containers", 0);
    }

    private static Map<String, Object> variables() {
        Map<String, Object> variables = new HashMap<>();
        for (Object each : (List<?>) at(container(), "env")) {
            variables.put((String) at(each, "name"), at(each, "value"));
        }
        return variables;
    }

    private static String instruction(String name) {
        return DOCKERFILE.stream().filter(line -> line.startsWith(name + " ")).reduce((first, last) -> last)
                .orElseThrow().substring(name.length() + 1);
    }

    @Test
    void theContainerStartsJavaWithTheFlagsItNeedsAndListensToOthers() {
        assertThat(instruction("ENTRYPOINT")).startsWith("[\"java\", ").contains(
                "\"--add-modules\", \"jdk.incubator.vector\", \"--enable-native-access=ALL-UNNAMED\"")
                .endsWith("\"-jar\", \"app.jar\"]");
        assertThat(instruction("ENV").split(" ")).contains("SERVER_ADDRESS=0.0.0.0", "DJL_CACHE_DIR=/tmp/djl");
        assertThat(instruction("EXPOSE")).isEqualTo(at(container(), "ports", 0, "containerPort").toString());
        assertThat(variables()).containsEntry("SERVER_ADDRESS", "0.0.0.0");
    }

    @Test
    void nobodyIsRoot() {
        assertThat(DOCKERFILE.indexOf("USER " + instruction("USER")))
                .isGreaterThan(DOCKERFILE.lastIndexOf("FROM " + instruction("FROM")));
        Object security = at(pod(), "securityContext");
        assertThat(instruction("USER")).matches("[1-9]\\d*:[1-9]\\d*")
                .isEqualTo(at(security, "runAsUser") + ":" + at(security, "runAsGroup"));
        assertThat(at(security, "runAsNonRoot")).isEqualTo(true);
        assertThat(at(container(), "securityContext", "allowPrivilegeEscalation")).isEqualTo(false);
        assertThat(at(container(), "securityContext", "capabilities", "drop")).isEqualTo(List.of("ALL"));
    }

    @Test
    void onlyTheDirectoryForTemporaryFilesIsWrittenTo() {
        assertThat(at(container(), "securityContext", "readOnlyRootFilesystem")).isEqualTo(true);
        assertThat(at(container(), "volumeMounts", 0, "mountPath")).isEqualTo("/tmp");
        assertThat(at(container(), "volumeMounts", 0, "name")).isEqualTo(at(pod(), "volumes", 0, "name"));
        assertThat(map(at(pod(), "volumes", 0))).containsKey("emptyDir");
    }

    @Test
    void theServiceFindsThePods() {
        Object selector = at(MANIFESTS.get("Service"), "spec", "selector");
        assertThat(at(MANIFESTS.get("Deployment"), "spec", "template", "metadata", "labels")).isEqualTo(selector);
        assertThat(at(MANIFESTS.get("Deployment"), "spec", "selector", "matchLabels")).isEqualTo(selector);
        assertThat(at(MANIFESTS.get("Service"), "spec", "ports", 0, "targetPort"))
                .isEqualTo(at(container(), "ports", 0, "name"));
    }

    @Test
    void answersHaveTheTimeThatSpringGivesThem() {
        long wait = DurationStyle.detectAndParse(variables().get("SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE")
                .toString()).toSeconds();
        int before = (Integer) at(container(), "lifecycle", "preStop", "sleep", "seconds");
        assertThat((Integer) at(pod(), "terminationGracePeriodSeconds")).isGreaterThan((int) wait + before);
    }

    @ParameterizedTest
    @ValueSource(strings = { "startupProbe", "livenessProbe", "readinessProbe" })
    void probesAskForWhatThereIs(String probe) throws Exception {
        String path = (String) at(container(), probe, "httpGet", "path");
        assertThat(at(container(), probe, "httpGet", "port")).isEqualTo(at(container(), "ports", 0, "name"));
        SpringApplication application = new SpringApplication(SampleApplication.class);
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().replace(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                new SystemEnvironmentPropertySource(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new HashMap<>(variables())));
        application.setEnvironment(environment);
        try (ConfigurableApplicationContext context = application.run("--server.port=0");
                HttpClient client = HttpClient.newHttpClient()) {
            assertThat(context.getEnvironment().getProperty("server.address")).isEqualTo("0.0.0.0");
            URI uri = URI.create("http://localhost:" + context.getEnvironment().getProperty("local.server.port")
                    + path);
            HttpResponse<String> response = client.send(HttpRequest.newBuilder(uri).build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            assertThat(response.body()).contains("UP");
        }
    }

    @Test
    void layersAreCopiedFromWhatChangesLeastToTheApplication() {
        List<String> copied = new ArrayList<>();
        DOCKERFILE.stream().filter(line -> line.startsWith("COPY --from=extracted "))
                .forEach(line -> copied.add(line.replaceAll(".*/extracted/([a-z-]+)/ \\./", "$1")));
        assertThat(copied).containsExactly("dependencies", "spring-boot-loader", "snapshot-dependencies",
                "application");
    }
}
