// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What variables say, and what names may be. */
class HubSettingsTests {
    private static final Path HOME = Path.of("/home/somebody");

    private static HubSettings read(Map<String, String> variables) {
        return HubSettings.read(variables::get, HOME);
    }

    @Test
    void withoutVariablesItIsTheHubAndTheUsersCache() {
        HubSettings settings = read(Map.of());
        assertThat(settings.endpoint()).hasToString("https://huggingface.co");
        assertThat(settings.cache()).isEqualTo(Path.of("/home/somebody/.cache/huggingface/hub"));
        assertThat(settings.token()).isEmpty();
        assertThat(settings.offline()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({ "HF_HOME, /big/hf, /big/hf/hub", "HF_HOME, ~/hf, /home/somebody/hf/hub",
            "XDG_CACHE_HOME, /xdg, /xdg/huggingface/hub", "HF_HUB_CACHE, /hub, /hub",
            "HUGGINGFACE_HUB_CACHE, /old, /old", "HF_HOME, ' ', /home/somebody/.cache/huggingface/hub" })
    void theCacheIsWhereVariablesSay(String name, String value, Path expected) {
        assertThat(read(Map.of(name, value)).cache()).isEqualTo(expected);
    }

    @Test
    void theMoreSpecialVariableWins() {
        assertThat(read(Map.of("HF_HOME", "/hf", "HF_HUB_CACHE", "/hub", "XDG_CACHE_HOME", "/xdg",
                "HUGGINGFACE_HUB_CACHE", "/old")).cache()).isEqualTo(Path.of("/hub"));
    }

    @Test
    void theTokenIsAVariableOrAFile(@TempDir Path home) throws IOException {
        Map<String, String> variables = Map.of("HF_HOME", home.toString());
        assertThat(read(variables).token()).isEmpty();
        Files.writeString(home.resolve("token"), "hf_file\n");
        assertThat(read(variables).token()).contains("hf_file");
        assertThat(read(Map.of("HF_HOME", home.toString(), "HF_TOKEN", " hf_variable ")).token())
                .contains("hf_variable");
        Path other = Files.writeString(home.resolve("other"), "hf_other");
        assertThat(read(Map.of("HF_HOME", home.toString(), "HF_TOKEN_PATH", other.toString())).token())
                .contains("hf_other");
    }

    /** A directory cannot be read as a file, whoever one is. */
    @Test
    void aTokenThatCannotBeReadIsSaidUnlessNobodyNeedsIt(@TempDir Path home) throws IOException {
        Files.createDirectory(home.resolve("token"));
        assertThatThrownBy(() -> read(Map.of("HF_HOME", home.toString()))).isInstanceOf(HubException.class)
                .hasMessageStartingWith("the token for the hub in " + home.resolve("token") + " cannot be read: ");
        assertThat(read(Map.of("HF_HOME", home.toString(), "HF_HUB_OFFLINE", "1")).token()).isEmpty();
    }

    @Test
    void nothingShowsTheToken() {
        assertThat(read(Map.of("HF_TOKEN", "hf_secret"))).asString().doesNotContain("secret");
        assertThatThrownBy(() -> read(Map.of("HF_TOKEN", "hf_secret with\nspace"))).isInstanceOf(HubException.class)
                .hasMessageContaining("HF_TOKEN").hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @CsvSource({ "1, true", "true, true", "YES, true", "On, true", "0, false", "false, false", "'', false" })
    void offlineIsWhatHuggingFaceCallsTrue(String value, boolean offline) {
        assertThat(read(Map.of("HF_HUB_OFFLINE", value)).offline()).isEqualTo(offline);
    }

    @Test
    void theEndpointMayBeAMirrorWithAPath() {
        assertThat(read(Map.of("HF_ENDPOINT", "https://mirror.example/hf/")).endpoint())
                .hasToString("https://mirror.example/hf");
    }

    @ParameterizedTest
    @ValueSource(strings = { "huggingface.co", "ftp://huggingface.co", "https://", "https://a b", "https://hub?x=1",
            "https://me:secret@hub" })
    void anEndpointThatIsNoneIsRefused(String endpoint) {
        assertThatThrownBy(() -> read(Map.of("HF_ENDPOINT", endpoint))).isInstanceOf(HubException.class)
                .hasMessageContaining("HF_ENDPOINT must be the address of a hub").hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = { "Qwen/Qwen2.5-0.5B-Instruct", "openai-community/gpt2", "a/b", "A_b/c_D.e-f" })
    void namesOfModelsAreOwnerAndName(String id) {
        assertThat(HubRepository.parse(id)).hasToString(id);
    }

    @ParameterizedTest
    @ValueSource(strings = { "gpt2", "", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a/.b", "a--b/c", "a/b..c",
            "a/b.git",
            "-a/b", "a/b-", "a/b c", "a\\b/c", "a/b\0", "https://huggingface.co/a/b",
            "a/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" })
    void othersAreRefused(String id) {
        assertThatIllegalArgumentException().isThrownBy(() -> HubRepository.parse(id))
                .withMessageStartingWith("expected owner/name of a model");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", " ", "..", "a/../b", "/main", "main/", "a//b", "a b", "a\\b", "C:x", "a?b", "a\0" })
    void revisionsThatNoRepositoryHasAreRefused(String revision) {
        assertThatIllegalArgumentException().isThrownBy(() -> new HubRevision(revision))
                .withMessageStartingWith("expected the name of a branch or a tag, or a commit");
    }
}
