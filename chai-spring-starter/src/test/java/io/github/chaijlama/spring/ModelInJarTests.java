// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ContextConsumer;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/** A model inside a jar is copied to be used, and nothing is left of the copy, however the application ends. */
class ModelInJarTests {
    private static final Pattern COPYING = Pattern.compile("Copying the model (\\S+) to (\\S+): weights are mapped");

    @TempDir
    private Path directory;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class));

    private Path jar(String brokenFile) throws IOException {
        Path jar = directory.resolve("models.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
                out.putNextEntry(new JarEntry("models/boxed/" + file));
                if (file.equals(brokenFile)) {
                    out.write("{\"model\": ".getBytes(StandardCharsets.UTF_8));
                } else {
                    Files.copy(Pocket.MODEL.resolve(file), out);
                }
                out.closeEntry();
            }
            out.putNextEntry(new JarEntry("models/boxed/additional_chat_templates/tool_use.jinja"));
            out.write("{{ tools | tojson }}".getBytes(StandardCharsets.UTF_8));
            out.closeEntry();
        }
        return jar;
    }

    /** Runs an application with a model in a jar and returns where it copied the model to. */
    private Path run(Path jar, ContextConsumer<AssertableApplicationContext> consumer, String... properties)
            throws IOException {
        try (Output output = new Output();
                URLClassLoader loader = new URLClassLoader(new URL[]{ jar.toUri().toURL() },
                        getClass().getClassLoader())) {
            runner.withClassLoader(loader).withPropertyValues("chai.model.path=classpath:models/boxed/")
                    .withPropertyValues(properties).run(context -> {
                        if (context.getStartupFailure() == null) {
                            assertThat(copy(output)).isDirectoryContaining("glob:**.safetensors");
                            assertThat(copy(output).resolve("additional_chat_templates/tool_use.jinja"))
                                    .hasContent("{{ tools | tojson }}");
                        }
                        consumer.accept(context);
                    });
            return copy(output);
        }
    }

    /**
     * Returns where the log says the model was copied to; other applications on this machine may copy models as well.
     */
    private static Path copy(Output output) {
        Matcher copying = COPYING.matcher(output.text());
        assertThat(copying.find()).as(output.text()).isTrue();
        assertThat(copying.group(1)).isEqualTo("classpath:models/boxed/");
        Path copy = Path.of(copying.group(2));
        assertThat(copying.find()).as("only once").isFalse();
        return copy;
    }

    @Test
    void theCopyIsUsedAndGoesWithTheApplication() throws IOException {
        Path copy = run(jar(null), context -> {
            assertThat(context.getBean(ChatModel.class).chat(Pocket.QUESTION)).contains("river");
            assertThat(context.getBean(ChaiEngine.class).modelName()).isEqualTo("boxed");
        });
        assertThat(copy).doesNotExist();
    }

    private static ContextConsumer<AssertableApplicationContext> failed(String... words) {
        return context -> assertThat(new ChaiFailureAnalyzer().analyze(context.getStartupFailure()).getDescription())
                .contains(words);
    }

    @Test
    void theCopyGoesWhenItCannotBeLoaded() throws IOException {
        Path copy = run(jar("tokenizer.json"), failed("The model cannot be loaded", "tokenizer.json"));
        assertThat(copy).doesNotExist();
    }

    @Test
    void theCopyGoesWhenTheProfileIsOfAnotherModel() throws IOException {
        Path profile = Files.writeString(directory.resolve("other.json"), """
                {"format": "chai-profile/1", "clusters": [2], "membership": {"kind": "ONLINE"},
                 "model": {"type": "llama", "layers": 1, "heads": 4, "kvHeads": 4, "headSize": 8}}""");
        Path copy = run(jar(null), failed("1 layers, 4 heads", "6 layers, 8 heads"), "chai.profile=" + profile);
        assertThat(copy).doesNotExist();
    }
}
