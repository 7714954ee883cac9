// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Who may have a model, and who learns the token. */
@Tag("alone")
@Timeout(300)
class HubAccessTests {
    private static final String TOKEN = "hf_abcDEF123";

    private final TestHub hub = TestHub.withModel();

    @TempDir
    private Path cache;

    @AfterEach
    void stop() {
        hub.close();
    }

    private HubSnapshot download(Optional<String> token, String repository, String revision) {
        HubSettings settings = new HubSettings(URI.create(hub.endpoint()), cache, token, false);
        return new HubModels(settings, HubTestTimes.QUICK, new SnapshotLinks(SnapshotLinks.ALL))
                .download(HubRepository.parse(repository), new HubRevision(revision), _ -> {});
    }

    private void assertRefused(Optional<String> token, String repository, String revision, String message) {
        assertThatThrownBy(() -> download(token, repository, revision)).isInstanceOf(HubException.class)
                .hasMessage(message.replace("HUB", hub.endpoint()));
        assertThat(cache).isEmptyDirectory();
    }

    /** Another host, and another port of the same host. */
    @ParameterizedTest
    @ValueSource(strings = { "localhost", "127.0.0.1" })
    void theTokenGoesToTheHubAlone(String storageHost) {
        hub.neededToken = TOKEN;
        hub.storageHost = storageHost;
        Path directory = download(Optional.of(TOKEN), TestHub.ID, "main").directory();
        assertThat(directory.resolve("model.safetensors")).hasBinaryContent(hub.content("model.safetensors"));
        assertThat(hub.requests).filteredOn(request -> request.server().equals("storage")).hasSize(1)
                .allMatch(request -> request.token() == null);
        assertThat(hub.requests).filteredOn(request -> request.server().equals("hub"))
                .allMatch(request -> request.token().equals("Bearer " + TOKEN));
        assertThat(hub.requests).as("followed redirects of the hub to itself")
                .anyMatch(request -> request.path().startsWith("/api/resolve-cache/"));
    }

    @Test
    void withoutATokenNoneIsSent() {
        download(Optional.empty(), TestHub.ID, "main");
        assertThat(hub.requests).allMatch(request -> request.token() == null);
    }

    @Test
    void aPrivateModelNeedsAToken() {
        hub.neededToken = TOKEN;
        assertRefused(Optional.empty(), TestHub.ID, "main",
                "HUB has no owner/model, or shows it to some "
                        + "accounts only: "
                        + "HUB answered 401. Check the model's name; if it is private or gated, set HF_TOKEN.");
    }

    @Test
    void aWrongTokenIsNamedButNotShown() {
        hub.neededToken = TOKEN;
        assertRefused(Optional.of("hf_wrong"), TestHub.ID, "main",
                "the token for HUB was not accepted for owner/model: "
                        + "HUB answered 401. Set HF_TOKEN (or the file 'token' in HF_HOME) to a valid token that may "
                        + "read the "
                        + "model, and check the model's name.");
    }

    @ParameterizedTest
    @CsvSource({ "401", "403" })
    void aGatedModelNamesThePageOfItsLicence(int status) {
        TestHub.Answer gated = TestHub.status(status, "X-Error-Code", "GatedRepo", "X-Error-Message",
                "Access to model owner/model is restricted.");
        hub.answer("list", gated, gated);
        assertRefused(Optional.empty(), TestHub.ID, "main", "owner/model is gated, and no token was sent: HUB answered "
                + status + " (Access to model owner/model is restricted.). Accept its licence at HUB/owner/model with "
                + "your account, and set HF_TOKEN to a token of that account.");
        assertRefused(Optional.of(TOKEN), TestHub.ID, "main",
                "owner/model is gated, and not open to the account of the "
                        + "token: HUB answered " + status
                        + " (Access to model owner/model is restricted.). Accept its licence "
                        + "at HUB/owner/model with your account, or set HF_TOKEN to a token of an account that has.");
    }

    /** The list of a gated model is public; its files are not. */
    @Test
    void aGatedFileNamesThePageOfItsLicence() {
        hub.answer("resolve config.json", TestHub.status(403, "X-Error-Code", "GatedRepo"));
        assertThatThrownBy(() -> download(Optional.of(TOKEN), TestHub.ID, "main")).isInstanceOf(HubException.class)
                .hasMessageContaining("Accept its licence at " + hub.endpoint() + "/owner/model");
    }

    @Test
    void whatIsForbiddenOtherwiseIsSaid() {
        hub.answer("list", TestHub.status(403, "X-Error-Message", "Blocked country"));
        assertRefused(Optional.of(TOKEN), TestHub.ID, "main", "owner/model is forbidden: HUB answered 403 (Blocked "
                + "country). Set HF_TOKEN to a token that may read the model, or ask its owner.");
    }

    @Test
    void aModelThatIsNotThereIsSaid() {
        assertRefused(Optional.of(TOKEN), "owner/other", "main",
                "HUB has no owner/other at revision 'main', "
                        + "or not for "
                        + "this token: HUB answered 404 (Repository not found). Check the model's name and its "
                        + "revision; if it "
                        + "is private, set HF_TOKEN to a token that may read it.");
    }

    @Test
    void aRevisionThatIsNotThereIsSaid() {
        assertRefused(Optional.empty(), TestHub.ID, "v9", "owner/model has no revision 'v9': HUB answered 404. Name a "
                + "branch, a tag or a commit of HUB/owner/model.");
    }

    @Test
    void aFileThatIsGoneIsSaid() {
        hub.answer("resolve tokenizer.json", TestHub.status(404, "X-Error-Code", "EntryNotFound"));
        assertThatThrownBy(() -> download(Optional.empty(), TestHub.ID, "main")).isInstanceOf(HubException.class)
                .hasMessageStartingWith("tokenizer.json is in the list of the files of owner/model, but not to be had: "
                        + hub.endpoint() + " answered 404. ");
    }

    @Test
    void otherStatusesAreSaid() {
        List.of(400, 404, 410, 302, 204).forEach(status -> {
            hub.answer("list", TestHub.status(status));
            assertThatThrownBy(() -> download(Optional.empty(), TestHub.ID, "main")).isInstanceOf(HubException.class)
                    .hasMessageContaining("answered " + status).hasMessageEndingWith(".");
        });
    }
}
