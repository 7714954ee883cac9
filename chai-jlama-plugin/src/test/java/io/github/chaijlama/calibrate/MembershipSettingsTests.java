// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.calibrate.MembershipChoice.Kind;
import io.github.chaijlama.calibrate.MembershipSettings.Conflict;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.ProfileException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class MembershipSettingsTests {
    private static final MembershipSettings OPEN = new MembershipSettings(Optional.empty(), Optional.empty(),
            Optional.empty(), Optional.empty(), Optional.empty());
    private static final MembershipSettings WINDOW = new MembershipSettings(Optional.of(7), Optional.empty(),
            Optional.empty(), Optional.empty(), Optional.empty());
    private static final MembershipSettings KMEANS = new MembershipSettings(Optional.empty(), Optional.empty(),
            Optional.of(ClusteringAlgorithm.KMEANS), Optional.empty(), Optional.empty());

    private static MembershipSettings medoids(HeadDistance distance) {
        return new MembershipSettings(Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.of(RepresentativeChoice.MEDOID), Optional.of(distance));
    }

    @Test
    void whatIsLeftOpenHasDefaults() {
        assertThat(OPEN.choose(Kind.STATIC, true)).isEqualTo(new MembershipChoice(Kind.STATIC, 16, 0,
                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, HeadDistance.WEIGHTED));
        assertThat(WINDOW.choose(Kind.ONLINE, false)).isEqualTo(new MembershipChoice(Kind.ONLINE, 7, 0,
                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, HeadDistance.OUTPUT));
    }

    @Test
    void theDistanceIsWeightedWhereABudgetPaysForItAndOfAttentionWhereThatIsClustered() {
        assertThat(OPEN.choose(Kind.STATIC, false).distance()).isEqualTo(HeadDistance.OUTPUT);
        assertThat(KMEANS.choose(Kind.STATIC, true).distance()).isEqualTo(HeadDistance.ATTENTION);
        assertThat(medoids(HeadDistance.ATTENTION).choose(Kind.STATIC, true))
                .isEqualTo(new MembershipChoice(Kind.STATIC, 16, 0, ClusteringAlgorithm.AGGLOMERATIVE,
                        RepresentativeChoice.MEDOID, HeadDistance.ATTENTION));
    }

    @Test
    void eachKindHasItsSettings() {
        assertThat(WINDOW.conflict(Kind.ONLINE)).isEmpty();
        assertThat(WINDOW.conflict(Kind.PROMPT)).hasValue(Conflict.WINDOW);
        assertThat(WINDOW.conflict(Kind.STATIC)).hasValue(Conflict.WINDOW);
        assertThat(medoids(HeadDistance.ATTENTION).conflict(Kind.PROMPT)).hasValue(Conflict.DISTANCE);
        assertThat(medoids(HeadDistance.MEASURED).conflict(Kind.STATIC)).hasValue(Conflict.CLUSTERING);
        for (Kind kind : Kind.values()) {
            assertThat(OPEN.conflict(kind)).isEmpty();
            assertThat(KMEANS.conflict(kind)).isEmpty();
        }
    }

    @Test
    void refusesConflictsAndValuesOutOfRange() {
        assertThatThrownBy(() -> WINDOW.choose(Kind.STATIC, true)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("settings that STATIC membership does not have: WINDOW");
        MembershipSettings empty = new MembershipSettings(Optional.of(0), Optional.empty(), Optional.empty(),
                Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> empty.choose(Kind.ONLINE, true)).isInstanceOf(ProfileException.class)
                .hasMessageContaining("at least 1 token, found 0");
    }
}
