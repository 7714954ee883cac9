// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a download brings, and where it puts it. */
@Tag("alone")
@Timeout(300)
class HubDownloadTests {
    private final TestHub hub = TestHub.withModel();
    private final List<String> lines = new ArrayList<>();

    @TempDir
    private Path cache;

    @AfterEach
    void stop() {
        hub.close();
    }

    private HubSnapshot download(HubRevision revision) {
        return new HubModels(hub.settings(cache), HubTestTimes.QUICK, new SnapshotLinks(SnapshotLinks.ALL))
                .download(TestHub.REPOSITORY, revision, lines::add);
    }

    private static List<String> filesBelow(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> !Files.isDirectory(file))
                    .map(file -> directory.relativize(file).toString().replace('\\', '/')).sorted().toList();
        }
    }

    @Test
    void onlyWhatAModelNeedsIsDownloaded() throws IOException {
        HubSnapshot snapshot = download(HubRevision.MAIN);
        List<String> needed = List.of("additional_chat_templates/tools.jinja", "chat_template.jinja", "config.json",
                "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");
        assertThat(filesBelow(snapshot.directory())).isEqualTo(needed);
        for (String name : needed) {
            assertThat(snapshot.directory().resolve(name)).hasBinaryContent(hub.content(name));
        }
        assertThat(hub.requests).noneMatch(request -> request.path().contains("gguf"));
    }

    @Test
    void theCacheIsLaidOutAsHuggingFaceDoes() throws IOException {
        HubSnapshot snapshot = download(HubRevision.MAIN);
        Path model = cache.resolve("models--owner--model");
        assertThat(snapshot).isEqualTo(new HubSnapshot(model.resolve("snapshots").resolve(TestHub.COMMIT),
                TestHub.COMMIT));
        assertThat(model.resolve("refs/main")).hasContent(TestHub.COMMIT);
        assertThat(filesBelow(model.resolve("blobs"))).hasSize(6) // config.json and tokenizer_config.json are the same
                .allMatch(name -> name.matches("[0-9a-f]{40}|[0-9a-f]{64}"));
        String weights = TestHub.hash(hub.content("model.safetensors"));
        assertThat(Files.readSymbolicLink(snapshot.directory().resolve("model.safetensors")))
                .isEqualTo(Path.of("../../blobs/" + weights));
        assertThat(Files.readSymbolicLink(snapshot.directory().resolve("additional_chat_templates/tools.jinja")))
                .isEqualTo(Path.of("../../../blobs/" + TestHub.hash("tools".getBytes())));
        assertThat(cache.resolve(".locks/models--owner--model/" + weights + ".lock")).exists();
    }

    @Test
    void whatIsThereIsNotDownloadedAgain() {
        HubSnapshot first = download(HubRevision.MAIN);
        hub.requests.clear();
        lines.clear();
        assertThat(download(HubRevision.MAIN)).isEqualTo(first);
        assertThat(hub.requests).singleElement().satisfies(request -> assertThat(request.path())
                .isEqualTo("/api/models/owner/model/revision/main?blobs=true"));
        assertThat(lines).isEmpty();
    }

    @Test
    void aNewCommitBringsWhatHasChanged() {
        HubSnapshot first = download(HubRevision.MAIN);
        hub.requests.clear();
        hub.commit = "f".repeat(40);
        hub.put("tokenizer.json", "{\"new\": 1}");
        HubSnapshot second = download(HubRevision.MAIN);
        assertThat(hub.contentRequests("tokenizer.json")).hasSize(1);
        assertThat(hub.contentRequests("model.safetensors")).isEmpty();
        assertThat(second.directory().resolve("tokenizer.json")).hasContent("{\"new\": 1}");
        assertThat(second.directory().resolve("model.safetensors"))
                .hasBinaryContent(hub.content("model.safetensors"));
        assertThat(first.directory().resolve("tokenizer.json")).as("of the old commit").hasContent("{\"b\": 2}");
        assertThat(cache.resolve("models--owner--model/refs/main")).hasContent(hub.commit);
    }

    @ParameterizedTest
    @ValueSource(strings = { "refs/pr/1", "v1.0", "feature+x", TestHub.COMMIT })
    void revisionsAreBranchesTagsAndCommits(String revision) {
        hub.branch = revision;
        assertThat(download(new HubRevision(revision)).commit()).isEqualTo(TestHub.COMMIT);
        assertThat(Files.exists(cache.resolve("models--owner--model/refs").resolve(revision)))
                .isEqualTo(!revision.equals(TestHub.COMMIT));
    }

    /** The index says which files are shards; others of the same kind are the weights once more. */
    @Test
    void shardsAreThoseOfTheIndex() throws IOException {
        hub.remove("model.safetensors");
        hub.put("model-00001-of-00002.safetensors", TestHub.random(50_000, 8))
                .put("model-00002-of-00002.safetensors", TestHub.random(60_000, 9))
                .put("model.safetensors.index.json",
                        """
                                       {"weight_map": {"a": "model-00002-of-00002.safetensors",
                                "b": "model-00001-of-00002.safetensors",
                                        "c": "model-00001-of-00002.safetensors"}}""");
        Path directory = download(HubRevision.MAIN).directory();
        assertThat(filesBelow(directory)).filteredOn(name -> name.contains("safetensors")).containsExactly(
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                "model.safetensors.index.json");
        assertThat(directory.resolve("model-00002-of-00002.safetensors"))
                .hasBinaryContent(hub.content("model-00002-of-00002.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "../../../evil.safetensors", "/etc/passwd", "absent.safetensors", "" })
    void anIndexNamesFilesOfTheModelOnly(String shard) throws IOException {
        hub.remove("model.safetensors");
        hub.put("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"" + shard + "\"}}");
        assertThatThrownBy(() -> download(HubRevision.MAIN)).isInstanceOf(HubException.class)
                .hasMessageContaining("names the shard '" + shard + "', which is no file of the model");
        assertThat(cache.resolve("models--owner--model/snapshots")).doesNotExist();
    }

    @Test
    void aModelWithoutSafetensorsIsRefusedBeforeAnythingIsDownloaded() {
        hub.remove("model.safetensors");
        assertThatThrownBy(() -> download(HubRevision.MAIN)).isInstanceOf(HubException.class)
                .hasMessage("owner/model has neither model.safetensors nor model.safetensors.index.json. Choose a "
                        + "repository with the weights as safetensors; others, such as pickles (.bin), GGUF and ONNX, "
                        + "cannot be loaded.");
        assertThat(cache).isEmptyDirectory();
    }

    @Test
    void severalFilesComeAtOnce() {
        CyclicBarrier together = new CyclicBarrier(4); // each waits until three others are being sent
        for (String path : List.of("chat_template.jinja", "generation_config.json", "tokenizer.json",
                "additional_chat_templates/tools.jinja")) {
            hub.answer(path, (exchange, content) -> {
                try {
                    together.await(120, TimeUnit.SECONDS);
                } catch (Exception e) {
                    throw new IOException(e);
                }
                TestHub.usual(exchange, content);
            });
        }
        download(HubRevision.MAIN);
        assertThat(together.isBroken()).isFalse();
    }

    @Test
    void progressHasRateAndRemainingTime() {
        CountDownLatch seen = new CountDownLatch(1);
        hub.answer("model.safetensors", (exchange, content) -> {
            TestHub.begin(exchange, content, 0);
            exchange.getResponseBody().write(content, 0, 1_500_000);
            exchange.getResponseBody().flush();
            try {
                assertThat(seen.await(120, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            exchange.getResponseBody().write(content, 1_500_000, content.length - 1_500_000);
        });
        new HubModels(hub.settings(cache), HubTestTimes.QUICK, new SnapshotLinks(SnapshotLinks.ALL))
                .download(TestHub.REPOSITORY, HubRevision.MAIN, line -> {
                    lines.add(line);
                    if (line.matches("Downloading owner/model: 1\\.5 MB of 3\\.0 MB \\(50 %\\), [\\d.]+ [kM]B/s, .* "
                            + "left")) {
                        seen.countDown();
                    }
                });
        assertThat(lines.getFirst()).isEqualTo("Downloading owner/model to " + cache.resolve("models--owner--model")
                + ": 6 files, 3.0 MB");
        assertThat(lines.getLast()).matches("Downloaded owner/model: 3\\.0 MB in \\d+ s, [\\d.]+ [kM]B/s");
    }

    /** As mirrors do that list names only. */
    @Test
    void sizeAndHashMayComeFromTheFilesHeaders() {
        hub.listsHashes = false;
        Path directory = download(HubRevision.MAIN).directory();
        assertThat(directory.resolve("model.safetensors")).hasBinaryContent(hub.content("model.safetensors"));
        assertThat(hub.requests).filteredOn(request -> request.method().equals("HEAD"))
                .allMatch(request -> request.server().equals("hub")).hasSizeGreaterThan(6);
    }

    @Test
    void withoutAHashNothingIsUsed() {
        hub.listsHashes = false;
        for (int i = 0; i < 20; i++) {
            hub.answer("resolve additional_chat_templates/tools.jinja", TestHub.status(200, "ETag", "\"7-abc\""));
        }
        assertThatThrownBy(() -> download(HubRevision.MAIN)).isInstanceOf(HubException.class)
                .hasMessageContaining("does not say what additional_chat_templates/tools.jinja of owner/model must be")
                .hasMessageContaining("what is not checked is not used");
        assertThat(cache).isEmptyDirectory();
    }
}
