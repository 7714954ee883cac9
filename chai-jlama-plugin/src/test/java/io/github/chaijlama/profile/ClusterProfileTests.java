// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ClusterProfileTests {
    private static final ModelShape SHAPE = new ModelShape("llama", 3, 8, 8, 16);
    private static final String ONLINE = """
            {"format": "chai-profile/1",
             "model": {"type": "llama", "layers": 3, "heads": 8, "kvHeads": 8, "headSize": 16},
             "clusters": [8, 4, 3],
             "membership": {"kind": "ONLINE", "window": 5, "algorithm": "AGGLOMERATIVE", "representative": "FIRST"}}""";
    private static final String STATIC = """
            {"format": "chai-profile/1",
             "model": {"type": "llama", "layers": 1, "heads": 3, "kvHeads": 3, "headSize": 16},
             "clusters": [2],
             "membership": {"kind": "STATIC"},
             "layers": [{"member": [0, 1, 0], "representatives": [2, 1]}]}""";

    @TempDir
    Path directory;

    @Test
    void readsOnlineMembership() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test");

        assertThat(profile.model()).isEqualTo(SHAPE);
        assertThat(profile.clusters()).containsExactly(8, 4, 3);
        assertThat(profile.membership()).isEqualTo(new Membership.Online(5, 0, ClusteringAlgorithm.AGGLOMERATIVE,
                RepresentativeChoice.FIRST));
    }

    @Test
    void readsStaticMembership() {
        ClusterProfile profile = ClusterProfile.parse(STATIC, "test");

        assertThat(profile.membership()).isEqualTo(
                new Membership.Static(List.of(HeadClusters.of(new int[]{ 0, 1, 0 }, new int[]{ 2, 1 }))));
    }

    @Test
    void promptMembershipReadsBackAndTakesWhatItHas() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE.replace("ONLINE", "PROMPT"), "test");

        assertThat(profile.membership()).isEqualTo(
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
        assertThat(ClusterProfile.parse(profile.toJson(), "copy")).isEqualTo(profile);
        assertThat(profile.withMembership(null, null, ClusteringAlgorithm.KMEANS, null).membership())
                .isEqualTo(new Membership.Prompt(ClusteringAlgorithm.KMEANS, RepresentativeChoice.FIRST));
        assertThatThrownBy(() -> profile.withMembership(5, null, null, null)).isInstanceOf(ProfileException.class)
                .hasMessageContaining("window and offset belong to ONLINE");
    }

    @Test
    void ignoresUnknownKeysAndFillsInThePapersChoices() {
        ClusterProfile profile = ClusterProfile.parse("""
                {"format": "chai-profile/1", "calibration": {"samples": 3}, "made": "by hand",
                 "model": {"type": "llama", "layers": 1, "heads": 2, "kvHeads": 1, "headSize": 4, "name": "y"},
                 "clusters": [1], "membership": {"kind": "ONLINE"}}""", "test");

        assertThat(profile.membership()).isEqualTo(Membership.defaults());
    }

    @Test
    void whatIsWrittenReadsBackEqual() {
        for (String json : List.of(ONLINE, STATIC)) {
            ClusterProfile profile = ClusterProfile.parse(json, "test");
            Path file = directory.resolve("profile.json");
            profile.write(file);
            assertThat(ClusterProfile.read(file)).isEqualTo(profile);
        }
        assertThat(directory.toFile().list()).containsExactly("profile.json");
    }

    @Test
    void anUnwritablePlaceLeavesTheOldFileAndNoOther() throws IOException {
        Path blocked = directory.resolve("missing").resolve("profile.json");
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test");
        assertThatThrownBy(() -> profile.write(blocked)).isInstanceOf(ProfileException.class)
                .hasMessageContaining("cannot be written").hasMessageContaining("missing");
        Files.createDirectories(directory.resolve("dir.json").resolve("full"));
        assertThatThrownBy(() -> profile.write(directory.resolve("dir.json"))).isInstanceOf(ProfileException.class);
        assertThat(directory.toFile().list()).containsExactly("dir.json");
    }

    @Test
    void missingFileSaysSo() {
        assertThatThrownBy(() -> ClusterProfile.read(directory.resolve("none.json")))
                .isInstanceOf(ProfileException.class).hasMessageContaining("none.json does not exist");
    }

    @Test
    void anotherModelIsRefusedWithBothShapes() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test");
        profile.requireFits(SHAPE);
        assertThatThrownBy(() -> profile.requireFits(new ModelShape("llama", 6, 8, 8, 32)))
                .isInstanceOf(ProfileException.class)
                .hasMessageContaining("llama with 3 layers, 8 heads, 8 KV heads of size 16")
                .hasMessageContaining("llama with 6 layers, 8 heads, 8 KV heads of size 32");
    }

    @Test
    void layersMayHaveNumbersOfTheirOwn() {
        String json = ONLINE.replace("\"kvHeads\": 8, \"headSize\": 16", "\"kvHeads\": [8, 8, 2], \"headSize\": 16");
        ClusterProfile profile = ClusterProfile.parse(json, "test");

        assertThat(profile.model().kvHeads(1)).isEqualTo(8);
        assertThat(profile.model().kvHeads(2)).isEqualTo(2);
        assertThat(profile.model().headSize(2)).isEqualTo(16);
        assertThat(ClusterProfile.parse(profile.toJson(), "copy")).isEqualTo(profile);
        assertThat(new ModelShape("llama", 3, 8, List.of(8, 8, 8), List.of(16, 16, 16))).isEqualTo(SHAPE);
        assertThatThrownBy(() -> profile.requireFits(SHAPE)).isInstanceOf(ProfileException.class)
                .hasMessageContaining("[8, 8, 2] KV heads of size 16");
        for (String wrong : List.of("[8, 2]", "[8, 8, 3]", "[8, 8, 0]", "[]", "0")) {
            assertThatThrownBy(() -> ClusterProfile.parse(json.replace("[8, 8, 2]", wrong), "test")).as(wrong)
                    .isInstanceOf(ProfileException.class).hasMessageContaining("impossible");
        }
    }

    @Test
    void aProfileOfOneModelIsRefusedByAnotherOfTheSameShape() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test").withFingerprint("sha256:a");
        ClusterProfile copy = ClusterProfile.parse(profile.toJson(), "copy");

        assertThat(copy).isEqualTo(profile);
        copy.requireMadeFor(() -> "sha256:a");
        assertThatThrownBy(() -> copy.requireMadeFor(() -> "sha256:b")).isInstanceOf(ProfileException.class)
                .hasMessageContaining("sha256:a").hasMessageContaining("sha256:b");
        assertThat(copy.withMembership(7, null, null, null).fingerprint()).contains("sha256:a");
    }

    @Test
    void aProfileKnowsTheDivergenceWithinWhichItWasCalibrated() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test");
        assertThat(profile.maxDivergence()).isEmpty();
        assertThat(profile.toJson()).doesNotContain("maxDivergence");
        ClusterProfile bounded = profile.withMaxDivergence(0.05);
        assertThat(bounded).isNotEqualTo(profile);
        assertThat(ClusterProfile.parse(bounded.toJson(), "copy")).isEqualTo(bounded);
        assertThat(bounded.withFingerprint("sha256:a").withMembership(7, null, null, null).maxDivergence())
                .contains(0.05);
        assertThatThrownBy(() -> profile.withMaxDivergence(0)).isInstanceOf(ProfileException.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "chai-profile/1"      | "chai-profile/2"    | 'format' must be chai-profile/1, found chai-profile/2
            "layers": 3           | "layers": 4         | 'clusters' has 3 entries, the profile's model has 4 layers
            [8, 4, 3] | [8, 4, 9] | 'clusters' of layer 2 must be 1 to 8 (the number of heads), found 9
            [8, 4, 3] | [0, 4, 3] | 'clusters' of layer 0 must be 1 to 8 (the number of heads), found 0
            [8, 4, 3]             | [8, 4.5, 3]         | entry 1 of 'clusters' must be a whole number, found 4.5
            [8, 4, 3]             | 8                   | 'clusters' must be a list of numbers, found 8
            "kvHeads": 8          | "kvHeads": 3        | KV heads a divisor of the heads
            "kvHeads": 8,         | ''                  | 'kvHeads' must be a whole number, found nothing
            "ONLINE" | "SOMETIMES" | membership 'kind' must be ONLINE, PROMPT or STATIC, found SOMETIMES
            "model"     | "maxDivergence": 0, "model"   | 'maxDivergence' must be above 0, found 0.0
            "model"     | "maxDivergence": "x", "model" | 'maxDivergence' must be a number, found "x"
            "window": 5           | "window": 0         | membership window must be at least 1 token, found 0
            "window": 5           | "offset": -1        | membership offset must be 0 tokens or more, found -1
            "AGGLOMERATIVE"       | "WARD"              | 'algorithm' must be one of [AGGLOMERATIVE, KMEANS], found WARD
            "FIRST"               | "LAST"              | 'representative' must be one of [FIRST, MEDOID], found LAST
            "ONLINE"              | "STATIC"            | STATIC membership needs 'layers'
            "kind"                | "sort"              | 'kind' must be a string, found nothing
            {"kind"               | 7, "x": {"kind"     | 'membership' must be an object, found 7
            }}                    | }                   | is not JSON
            }}                    | }} {}               | is not JSON
            "kvHeads": 8,         | "kvHeads": 8, "kvHeads": 4, | Duplicate field 'kvHeads'
            "window": 5           | "window": 2147483647, "offset": 1 | membership window and offset are too large
            """)
    void mistakesSayWhatWasExpectedAndFound(String original, String mistake, String message) {
        assertThat(ONLINE).contains(original);
        assertThatThrownBy(() -> ClusterProfile.parse(ONLINE.replace(original, mistake), "my.json"))
                .isInstanceOf(ProfileException.class).hasMessageContaining("my.json").hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [0, 1, 0]       | [0, 1]          | layer 0: cluster 0 is represented by head 2, there are 2 heads
            [0, 1, 0]       | [0, 1, 0, 0]    | 'member' of layer 0 has 4 entries, the profile's model has 3 heads
            "clusters": [2] | "clusters": [1] | layer 0 has 2 representatives, 'clusters' says 1
            [2, 1]          | [1, 1]          | cluster 0 is represented by head 1, which is a member of cluster 1
            "layers": 1     | "layers": 2     | 'clusters' has 1 entries
            "layers": [     | "x": [          | STATIC membership needs 'layers'
            """)
    void staticMistakesSayWhatWasExpectedAndFound(String original, String mistake, String message) {
        assertThat(STATIC).contains(original);
        assertThatThrownBy(() -> ClusterProfile.parse(STATIC.replace(original, mistake), "my.json"))
                .isInstanceOf(ProfileException.class).hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({ "[]", "'\"text\"'", "''", "null" })
    void otherJsonIsNoProfile(String json) {
        assertThatThrownBy(() -> ClusterProfile.parse(json, "my.json")).isInstanceOf(ProfileException.class)
                .hasMessageContaining("my.json");
    }

    @Test
    void settingsOfMembershipCanBeReplaced() {
        ClusterProfile profile = ClusterProfile.parse(ONLINE, "test");

        assertThat(profile.withMembership(null, null, null, null)).isSameAs(profile);
        assertThat(profile.withMembership(9, null, ClusteringAlgorithm.KMEANS, null).membership()).isEqualTo(
                new Membership.Online(9, 0, ClusteringAlgorithm.KMEANS, RepresentativeChoice.FIRST));
        assertThat(profile.withMembership(null, 3, null, RepresentativeChoice.MEDOID).membership()).isEqualTo(
                new Membership.Online(5, 3, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
    }

    @Test
    void settingsOfStaticMembershipCannot() {
        assertThatThrownBy(() -> ClusterProfile.parse(STATIC, "test").withMembership(9, null, null, null))
                .isInstanceOf(ProfileException.class).hasMessageContaining("the profile's is STATIC");
    }
}
