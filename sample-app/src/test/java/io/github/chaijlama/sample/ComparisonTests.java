// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;

/** Exact beside clustered: conversations that choose, comparisons, pictures of clusters. */
@Timeout(120)
class ComparisonTests {
    private static final String STORY = "Tell me a story about a fox named Ruby.";

    private static RunningSample sample;
    private static ClusterProfile profile;
    /** Bytes of a token's keys and values. */
    private static int exactBytes;
    private static int clusteredBytes;

    @BeforeAll
    static void start() {
        sample = RunningSample.start();
        profile = sample.application().getBean(ChaiEngine.class).textModel().tokenModel().options().profile()
                .orElseThrow();
        int rowBytes = profile.model().headSize(0) * Float.BYTES;
        int heads = profile.model().layers() * profile.model().heads();
        exactBytes = 2 * heads * rowBytes;
        clusteredBytes = (profile.clusters().stream().mapToInt(Integer::intValue).sum() + heads) * rowBytes;
        assertThat(clusteredBytes).isLessThan(exactBytes);
    }

    @AfterAll
    static void stop() {
        sample.close();
    }

    private static String body(String conversationId, String message, Map<String, Object> settings) {
        return RunningSample.MAPPER.writeValueAsString(
                Map.of("conversationId", conversationId, "message", message, "settings", settings));
    }

    private static JsonNode ask(String conversationId, String message, Map<String, Object> settings) throws Exception {
        HttpResponse<String> response = sample.post("/api/chat", body(conversationId, message, settings));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return RunningSample.json(response);
    }

    private static int stored(JsonNode reply) {
        return reply.path("promptTokens").intValue() + reply.path("generatedTokens").intValue() - 1;
    }

    @Test
    void aConversationChoosesItsAttentionWithEveryMessage() throws Exception {
        JsonNode clustered = ask("choice", STORY, Map.of());
        assertThat(clustered.path("attention").stringValue()).isEqualTo("CLUSTERED");
        assertThat(clustered.path("kvCacheBytes").intValue()).isEqualTo(stored(clustered) * clusteredBytes);
        assertThat(clustered.path("exactKvCacheBytes").intValue()).isEqualTo(stored(clustered) * exactBytes);
        JsonNode exact = ask("choice", "Who helped Ruby?", Map.of("attention", "EXACT"));
        assertThat(exact.path("attention").stringValue()).isEqualTo("EXACT");
        assertThat(exact.path("kvCacheBytes").intValue()).isEqualTo(stored(exact) * exactBytes)
                .isEqualTo(exact.path("exactKvCacheBytes").intValue());
        JsonNode kept = RunningSample.json(sample.get("/api/info"));
        assertThat(kept.path("canCluster").booleanValue()).isTrue();
    }

    @Test
    void samplingIsUpToTheConversation() throws Exception {
        Map<String, Object> random = Map.of("temperature", 1.5, "topP", 0.95, "maxTokens", 12, "seed", 7);
        JsonNode first = ask("random-1", STORY, random);
        assertThat(first.path("generatedTokens").intValue()).isEqualTo(12);
        assertThat(first.path("finishReason").stringValue()).isEqualTo("LENGTH");
        assertThat(ask("random-2", STORY, random).path("reply")).isEqualTo(first.path("reply"));
        assertThat(List.of(8, 9, 10)).as("other seeds").anySatisfy(seed -> assertThat(
                ask("random-" + seed, STORY, Map.of("temperature", 1.5, "maxTokens", 12, "seed", seed)).path("reply"))
                .isNotEqualTo(first.path("reply")));
    }

    @Test
    void impossibleSettingsAreRefused() throws Exception {
        for (Map.Entry<Map<String, Object>, String> wrong : List.of(
                Map.entry(Map.<String, Object>of("temperature", -1), "temperature must be 0 or more, found -1.0"),
                Map.entry(Map.<String, Object>of("topP", 2), "top-p must be above 0 and at most 1, found 2.0"),
                Map.entry(Map.<String, Object>of("maxTokens", 0), "maxTokens must be at least 1, found 0"),
                Map.entry(Map.<String, Object>of("attention", "STOCK"),
                        "the attention of a conversation is EXACT or CLUSTERED, found STOCK"))) {
            HttpResponse<String> response = sample.post("/api/chat", body("wrong", "Hello!", wrong.getKey()));
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(RunningSample.json(response).path("detail").stringValue()).isEqualTo(wrong.getValue());
        }
        assertThat(sample.post("/api/chat", body("wrong", "Hello!", Map.of("seed", "x"))).statusCode()).isEqualTo(400);
        assertThat(sample.post("/api/chat", RunningSample.body("x".repeat(101), "Hello!")).statusCode())
                .isEqualTo(400);
    }

    @Test
    void aComparisonAsksBothWaysAndRemembersNothing() throws Exception {
        ask("compared", STORY, Map.of());
        HttpResponse<String> response = sample.post("/api/compare", body("compared", "Who helped Ruby?", Map.of()));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        List<Map.Entry<String, JsonNode>> events = RunningSample.events(response);
        assertThat(events).filteredOn(event -> event.getKey().equals("side"))
                .extracting(event -> event.getValue().path("attention").stringValue())
                .containsExactly("EXACT", "CLUSTERED");
        JsonNode done = events.getLast().getValue();
        assertThat(events.getLast().getKey()).isEqualTo("done");
        assertThat(done.path("rounds").intValue()).isBetween(1, 3);
        for (String side : List.of("EXACT", "CLUSTERED")) {
            JsonNode reply = done.path("replies").path(side);
            StringBuilder text = new StringBuilder();
            events.stream().filter(event -> event.getKey().equals("token"))
                    .filter(event -> event.getValue().path("attention").stringValue().equals(side))
                    .forEach(event -> text.append(event.getValue().path("text").stringValue()));
            assertThat(reply.path("reply").stringValue()).isEqualTo(text.toString()).contains("Ruby");
            assertThat(reply.path("attention").stringValue()).isEqualTo(side);
            assertThat(reply.path("cachedPromptTokens").intValue()).as("neither finds what it need not calculate")
                    .isZero();
        }
        int clustered = ask("compared", "Who helped Ruby?", Map.of()).path("promptTokens").intValue();
        assertThat(clustered).as("as if nothing had been compared")
                .isEqualTo(done.path("replies").path("CLUSTERED").path("promptTokens").intValue());
    }

    @Test
    void bothSidesOfARandomComparisonHaveTheSameSeed() {
        ChatSettings random = new ChatSettings(null, 0.8, null, null, null);
        assertThat(random.withSeedIfRandom(3).seed()).isEqualTo(3);
        assertThat(new ChatSettings(null, 0.8, null, null, 5L).withSeedIfRandom(3).seed()).isEqualTo(5);
        assertThat(ChatSettings.NONE.withSeedIfRandom(3).seed()).isNull();
    }

    @Test
    void theClustersOfAConversationAreDrawn() throws Exception {
        assertThat(sample.get("/api/conversations/drawn/clusters").statusCode()).as("nothing said").isEqualTo(400);
        JsonNode answer = ask("drawn", STORY, Map.of());
        HttpResponse<String> response = sample.get("/api/conversations/drawn/clusters");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode picture = RunningSample.json(response);
        int tokens = picture.path("tokens").intValue();
        assertThat(tokens).as("the end of the answer is part of the conversation").isEqualTo(stored(answer) + 1);
        assertThat(picture.path("exactKvCacheBytes").intValue()).isEqualTo(tokens * exactBytes);
        assertThat(picture.path("clusteredKvCacheBytes").intValue()).isEqualTo(tokens * clusteredBytes);

        Membership.Static members = (Membership.Static) profile.membership();
        assertThat(picture.path("layers").size()).isEqualTo(members.layers().size());
        for (int layer = 0; layer < members.layers().size(); layer++) {
            JsonNode drawn = picture.path("layers").path(layer);
            assertThat(drawn.path("clusters").intValue()).isEqualTo(profile.clusters().get(layer));
            for (int head = 0; head < profile.model().heads(); head++) {
                JsonNode tile = drawn.path("heads").path(head);
                int cluster = members.layers().get(layer).member(head);
                int representative = members.layers().get(layer).representative(cluster);
                assertThat(tile.path("cluster").intValue()).isEqualTo(cluster);
                assertThat(tile.path("representative").intValue()).isEqualTo(representative);
                if (head == representative) {
                    assertThat(tile.path("similarity").doubleValue()).isEqualTo(1);
                } else {
                    assertThat(tile.path("similarity").doubleValue()).isBetween(0.01, 0.9999);
                }
            }
        }
    }
}
