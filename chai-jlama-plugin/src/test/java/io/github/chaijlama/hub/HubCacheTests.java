// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.SmallFileSystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The cache without the hub, on other file systems, with several at once, and with a hub that means harm. */
@Tag("alone")
@Timeout(300)
class HubCacheTests {
    private final TestHub hub = TestHub.withModel();
    private final List<String> lines = new ArrayList<>();

    @TempDir
    private Path cache;

    @AfterEach
    void stop() {
        hub.close();
    }

    private HubModels models(Path directory, boolean offline) {
        return new HubModels(new HubSettings(URI.create(hub.endpoint()), directory, Optional.empty(), offline),
                HubTestTimes.QUICK, new SnapshotLinks(SnapshotLinks.ALL));
    }

    private HubSnapshot find(boolean offline) {
        return models(cache, offline).find(TestHub.REPOSITORY, HubRevision.MAIN, lines::add);
    }

    private Path model() {
        return cache.resolve("models--owner--model");
    }

    @Test
    void offlineTheNewestSnapshotIsUsedAndNobodyIsAsked() {
        find(false);
        hub.commit = "e".repeat(40);
        hub.put("tokenizer.json", "{\"new\": 1}");
        HubSnapshot newest = find(false);
        hub.requests.clear();
        assertThat(find(true)).isEqualTo(newest);
        assertThat(models(cache, true).download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add)).isEqualTo(newest);
        assertThat(models(cache, true).find(TestHub.REPOSITORY, new HubRevision(TestHub.COMMIT), lines::add).commit())
                .isEqualTo(TestHub.COMMIT);
        assertThat(hub.requests).isEmpty();
    }

    @Test
    void offlineWhatIsNotThereIsSaid() {
        assertThatThrownBy(() -> find(true)).isInstanceOf(HubException.class).hasMessage("owner/model at revision main "
                + "cannot be had offline, as HF_HUB_OFFLINE wants it: the cache " + cache + " does not have it. Unset "
                + "HF_HUB_OFFLINE, or download the model beforehand: chai download owner/model.");
        assertThat(cache).isEmptyDirectory();
    }

    /** As other programs leave them, which link files in any order. */
    @ParameterizedTest
    @ValueSource(strings = { "config.json", "tokenizer.json", "model.safetensors" })
    void offlineASnapshotThatIsNotWholeIsNotUsed(String missing) throws IOException {
        Path snapshot = find(false).directory();
        Files.delete(snapshot.resolve(missing));
        assertThatThrownBy(() -> find(true)).isInstanceOf(HubException.class)
                .hasMessageContaining("its copy in the cache is not whole: " + snapshot + " has no " + missing);
        assertThat(find(false).directory().resolve(missing)).as("linked again").exists();
        assertThat(find(true).directory()).isEqualTo(snapshot);
    }

    @Test
    void offlineAllShardsMustBeThere() throws IOException {
        hub.remove("model.safetensors");
        hub.put("a.safetensors", TestHub.random(20_000, 1)).put("b.safetensors", TestHub.random(20_000, 2))
                .put("model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\", \"y\": "
                        + "\"b.safetensors\"}}");
        Path snapshot = find(false).directory();
        assertThat(find(true).directory()).isEqualTo(snapshot);
        Files.delete(model().resolve("blobs").resolve(TestHub.hash(hub.content("b.safetensors"))));
        assertThatThrownBy(() -> find(true)).hasMessageContaining(snapshot + " has no b.safetensors");
    }

    @Test
    void aHubThatIsAwayIsDoneWithout() {
        HubSnapshot snapshot = find(false);
        hub.answer("list", TestHub.status(503));
        hub.requests.clear();
        lines.clear();
        assertThat(find(false)).isEqualTo(snapshot);
        assertThat(hub.requests).hasSize(1);
        assertThat(lines).singleElement().asString().contains("answered 503; using what was downloaded before: "
                + snapshot.directory());
        hub.close();
        assertThat(find(false)).isEqualTo(snapshot);
        assertThatThrownBy(() -> models(cache, false).download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add))
                .as("who asks for a download wants one").isInstanceOf(HubException.class);
    }

    @Test
    void aModelThatIsNotThereAnyMoreIsNoHubThatIsAway() {
        find(false);
        hub.answer("list", TestHub.status(404, "X-Error-Code", "RepoNotFound"));
        assertThatThrownBy(() -> find(false)).isInstanceOf(HubException.class)
                .hasMessageContaining("has no owner/model");
    }

    @Test
    void aCommitThatIsThereIsNotAskedFor() {
        HubRevision commit = new HubRevision(TestHub.COMMIT);
        HubSnapshot snapshot = models(cache, false).find(TestHub.REPOSITORY, commit, lines::add);
        hub.close();
        assertThat(models(cache, false).find(TestHub.REPOSITORY, commit, lines::add)).isEqualTo(snapshot);
    }

    @Test
    void aBrokenReferenceIsSaid() throws IOException {
        find(false);
        Files.writeString(model().resolve("refs/main"), "../../../etc");
        assertThatThrownBy(() -> find(true)).isInstanceOf(HubException.class)
                .hasMessageContaining(
                        "expected a commit in " + model().resolve("refs/main") + ", found '../../../etc'");
    }

    @Test
    void withoutLinksFilesAreCopied() throws IOException {
        SnapshotLinks.Way none = (_, _) -> {
            throw new IOException("no links here");
        };
        HubModels copying = new HubModels(hub.settings(cache), HubTestTimes.QUICK,
                new SnapshotLinks(List.of(none, none, SnapshotLinks.COPY)));
        Path directory = copying.download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add).directory();
        assertThat(directory.resolve("model.safetensors")).hasBinaryContent(hub.content("model.safetensors"));
        assertThat(Files.isSymbolicLink(directory.resolve("model.safetensors"))).isFalse();
        hub.requests.clear();
        assertThat(copying.download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add).directory()).isEqualTo(directory);
        assertThat(hub.requests).hasSize(1);
    }

    @Test
    void hardLinksDoWhereSymbolicOnesAreForbidden() throws IOException {
        SnapshotLinks.Way none = (_, _) -> {
            throw new UnsupportedOperationException();
        };
        Path directory = new HubModels(hub.settings(cache), HubTestTimes.QUICK,
                new SnapshotLinks(List.of(none, SnapshotLinks.HARD_LINK, SnapshotLinks.COPY)))
                .download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add).directory();
        Path file = directory.resolve("model.safetensors");
        assertThat(Files.isSymbolicLink(file)).isFalse();
        assertThat(Files.isSameFile(file, model().resolve("blobs").resolve(TestHub.hash(hub.content(
                "model.safetensors"))))).isTrue();
    }

    /** huggingface_hub moves files into the snapshot where there are no links, so there are no contents beside it. */
    @Test
    void snapshotsWithoutContentsAreRead() throws IOException {
        Path snapshot = find(false).directory();
        try (Stream<Path> files = Files.walk(snapshot)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] content = Files.readAllBytes(file);
                Files.delete(file);
                Files.write(file, content);
            }
        }
        try (Stream<Path> blobs = Files.list(model().resolve("blobs"))) {
            for (Path blob : blobs.toList()) {
                Files.delete(blob);
            }
        }
        hub.requests.clear();
        assertThat(find(false).directory()).isEqualTo(snapshot);
        assertThat(hub.requests).hasSize(1);
        assertThat(find(true).directory()).isEqualTo(snapshot);
    }

    @Test
    void aDamagedContentIsDownloadedAgain() throws IOException {
        find(false);
        Path blob = model().resolve("blobs").resolve(TestHub.hash(hub.content("model.safetensors")));
        Files.write(blob, new byte[17]);
        assertThat(find(false).directory().resolve("model.safetensors"))
                .hasBinaryContent(hub.content("model.safetensors"));
    }

    @Test
    void aReadOnlyCacheServesWhatIsInIt(@TempDir Path parent) throws IOException {
        try (SmallFileSystem disk = SmallFileSystem.mount(parent, 8000)) {
            HubSnapshot snapshot = models(disk.path(), false).download(TestHub.REPOSITORY, HubRevision.MAIN,
                    lines::add);
            disk.makeReadOnly();
            assertThat(models(disk.path(), true).find(TestHub.REPOSITORY, HubRevision.MAIN, lines::add))
                    .isEqualTo(snapshot);
            assertThat(models(disk.path(), false).download(TestHub.REPOSITORY, HubRevision.MAIN, lines::add))
                    .isEqualTo(snapshot);
            hub.branch = "v2"; // a name that cannot be noted
            assertThat(models(disk.path(), false).download(TestHub.REPOSITORY, new HubRevision("v2"), lines::add))
                    .isEqualTo(snapshot);
            hub.put("tokenizer.json", "{\"new\": 1}");
            assertThatThrownBy(() -> models(disk.path(), false).download(TestHub.REPOSITORY, new HubRevision("v2"),
                    lines::add)).isInstanceOf(HubException.class)
                    .hasMessageStartingWith("owner/model cannot be written to the cache " + disk.path() + ": ")
                    .hasMessageContaining("Read-only file system")
                    .hasMessageContaining("HF_HOME").hasMessageContaining("HF_HUB_OFFLINE=1");
        }
    }

    @Test
    void aDiskWithoutRoomIsNoticedBeforeItIsFull(@TempDir Path parent) throws IOException {
        try (SmallFileSystem disk = SmallFileSystem.mount(parent, 1000)) {
            assertThatThrownBy(() -> models(disk.path(), false).find(TestHub.REPOSITORY, HubRevision.MAIN, lines::add))
                    .isInstanceOf(HubException.class).hasMessageContaining("there is no room for owner/model in "
                            + disk.path() + ": it needs 3.0 MB, there are 1.0 MB");
            assertThat(hub.contentRequests("model.safetensors")).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "../../../evil.safetensors", "/etc/evil.json", "additional_chat_templates/../../x.jinja",
            "..\\..\\evil.json", "C:\\evil.json", "c:evil.json", "a//b.json", "./config.json", "..", "", "a/..",
            "additional_chat_templates/..\\..\\..\\x.jinja" })
    void aListThatNamesFilesOutsideIsRefused(String name) throws IOException {
        byte[] evil = list(name);
        hub.answer("list", (exchange, _) -> TestHub.usual(exchange, evil));
        assertThatThrownBy(() -> find(false)).isInstanceOf(HubException.class).hasMessageContaining("names '" + name
                + "', which would be outside of the model's directory; nothing was downloaded");
        assertThat(cache).isEmptyDirectory();
    }

    /** They would stay inside, and be something else on some system: a stream of Windows, a device. */
    @ParameterizedTest
    @ValueSource(strings = { "additional_chat_templates/a:b.jinja", "additional_chat_templates/a\nb.jinja",
            "additional_chat_templates/a*.jinja" })
    void oddNamesAreLeftOut(String name) throws IOException {
        hub.put(name, "odd");
        try (Stream<Path> files = Files.list(find(false).directory().resolve("additional_chat_templates"))) {
            assertThat(files).extracting(Path::getFileName).extracting(Path::toString).containsExactly("tools.jinja");
        }
    }

    private byte[] list(String name) throws IOException {
        ObjectNode root = (ObjectNode) new ObjectMapper().readTree(hub.listing());
        ((ArrayNode) root.path("siblings")).addObject().put("rfilename", name).put("size", 1)
                .put("blobId", "0".repeat(40));
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Hashes name files of the cache, too. */
    @Test
    void aHashIsNoPath() throws IOException {
        hub.put("generation_config.json", "x");
        String evil = new String(hub.listing(), StandardCharsets.UTF_8)
                .replace(TestHub.hash("x".getBytes()), "../../../../evil");
        hub.answer("list", (exchange, _) -> TestHub.usual(exchange, evil.getBytes()));
        assertThat(find(false).directory().resolve("generation_config.json")).hasContent("x");
        assertThat(cache.resolve("../evil")).doesNotExist();
    }

    @Test
    void threadsThatWantTheSameModelDownloadItOnce() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<HubSnapshot>> found = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                found.add(
                        threads.submit(() -> models(cache, false).find(TestHub.REPOSITORY, HubRevision.MAIN, _ -> {})));
            }
            for (Future<HubSnapshot> snapshot : found) {
                assertThat(snapshot.get().directory().resolve("model.safetensors"))
                        .hasBinaryContent(hub.content("model.safetensors"));
            }
        }
        assertThat(hub.contentRequests("model.safetensors")).hasSize(1);
        assertThat(hub.contentRequests("tokenizer.json")).hasSize(1);
    }
}
