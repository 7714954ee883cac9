// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.langchain4j.SpokenEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** What is refused, with OpenAI's error bodies and status codes, by the name of what is wrong. */
@Tag("boot-lines")
@Timeout(300)
class RefusalsTests {
    private static final String CHAT = "/chat/completions";
    private static final String MESSAGES = "\"messages\": [{\"role\": \"user\", \"content\": \"Hello!\"}]";
    private static final String HELLO = "{\"model\": \"pocket\", " + MESSAGES;

    private static SpokenEngine engine;
    private static OpenAiServer server;

    @BeforeAll
    static void start() {
        engine = SpokenEngine.load(SchedulerLimits.DEFAULT.withMaxPromptTokens(200));
        server = OpenAiServer.of(engine.engine(), "chai.openai.api-key=open sesame",
                "chai.openai.max-request-size=2KB");
    }

    @AfterAll
    static void stop() {
        assertThat(engine.tokens()).as("nothing was generated").isZero();
        server.close();
    }

    private static HttpResponse<String> post(String path, String json) throws Exception {
        return server.send(server.request(path).header("Authorization", "Bearer open sesame")
                .header("Content-Type", "application/json").POST(BodyPublishers.ofString(json)));
    }

    private static void assertRefused(HttpResponse<String> response, int status, String param, String code,
            String message) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode error = OpenAiServer.error(response);
        assertThat(error.path("message").asText()).contains(message).doesNotContain("open sesame", "Exception");
        assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
        assertThat(error.path("param").textValue()).isEqualTo(param);
        assertThat(error.path("code").textValue()).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            n                     | 2                              | expected 1, found 2
            logprobs              | true                           | expected false, found true
            top_logprobs          | 3                              | expected 0, found 3
            logit_bias            | {"1": 5}                       | expected nothing
            modalities            | ["text", "audio"]              | expected ["text"], found ["text","audio"]
            audio                 | {"voice": "x"}                 | expected nothing
            functions             | [{"name": "f"}]                | expected 'tools'
            function_call         | "auto"                         | expected 'tool_choice'
            prediction            | {"type": "content"}            | expected nothing
            web_search_options    | {}                             | expected nothing
            store                 | true                           | expected false, found true
            service_tier          | "flex"                         | expected "auto" or "default", found "flex"
            verbosity             | "low"                          | expected "medium", found "low"
            """)
    void whatIsNotDoneIsRefusedByName(String field, String value, String message) throws Exception {
        assertRefused(post(CHAT, HELLO + ", \"" + field + "\": " + value + "}"), 400, field, "unsupported_parameter",
                message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            temperature           | "hot"                          | must be a number from 0 to 2, found "hot"
            temperature           | 2.5                            | must be a number from 0 to 2, found 2.5
            top_p                 | -1                             | must be a number from 0 to 1, found -1
            presence_penalty      | 3                              | must be a number from -2 to 2, found 3
            frequency_penalty     | -3                             | must be a number from -2 to 2, found -3
            max_tokens            | 0                              | must be a whole number of at least 1, found 0
            max_completion_tokens | 1.5                            | must be a whole number of at least 1, found 1.5
            seed                  | 1.5                            | must be a whole number of 64 bits, found 1.5
            stop                  | [1]                            | must be a string or a list of strings, found [1]
            stream                | "yes"                          | must be true or false, found "yes"
            stream_options        | {"include_usage": true}        | for answers with 'stream' true only
            parallel_tool_calls   | 1                              | must be true or false, found 1
            tools                 | {}                             | must be a list, found {}
            tool_choice           | "required"                     | needs at least one of 'tools'
            tool_choice           | "perhaps"                      | must be "none", "auto", "required" or an object
            response_format       | "json"                         | must be an object, found "json"
            """)
    void wrongValuesAreRefusedByName(String field, String value, String message) throws Exception {
        assertRefused(post(CHAT, HELLO + ", \"" + field + "\": " + value + "}"), 400, field, "invalid_value", message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', nullValues = "-", textBlock = """
            [0].content[0].type  | unsupported_parameter | {"role": "user", "content": [{"type": "image_url"}]}    | ima
            [0].content[0].type  | unsupported_parameter | {"role": "user", "content": [{"type": "input_audio"}]}  | aud
            [0].content[0].type  | unsupported_parameter | {"role": "user", "content": [{"type": "file"}]}         | fil
            [0].content          | invalid_value         | {"role": "user", "content": 7}                          | str
            [0].content          | missing_required_parameter | {"role": "user"}                                   | mis
            [0].content          | missing_required_parameter | {"role": "assistant"}                              | mis
            [0].role             | missing_required_parameter | {"content": "a"}                                   | mis
            [0].role             | invalid_value         | {"role": "robot", "content": "a"}                       | 'as
            [0].role             | unsupported_parameter | {"role": "function", "content": "a", "name": "f"}       | 'to
            [0].tool_call_id     | invalid_value         | {"role": "tool", "content": "a", "tool_call_id": "x"}   | ear
            [0]                  | invalid_value         | "Hello"                                                 | obj
            """)
    void whatIsWrongWithAMessageIsSaidWithItsPlace(String place, String code, String message, String said)
            throws Exception {
        assertRefused(post(CHAT, "{\"model\": \"pocket\", \"messages\": [" + message + "]}"), 400, "messages" + place,
                code, said);
    }

    @Test
    void whatTheModelCannotDoIsRefused() throws Exception {
        assertRefused(post(CHAT, HELLO + ", \"stop\": \"x\", \"response_format\": {\"type\": \"json_object\"}}"), 400,
                null, "unsupported_parameter", "stopSequences beside a JSON response format");
        assertRefused(post(CHAT, HELLO + ", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": "
                + "{\"name\": \"n\", \"schema\": {\"type\": \"string\", \"pattern\": \"a+\"}}}}"), 400, null,
                "unsupported_parameter", "pattern");
        assertRefused(post(CHAT, HELLO + ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", "
                + "\"parameters\": {\"anyOf\": []}}}]}"), 400, "tools[0].function.parameters.anyOf",
                "unsupported_parameter", "at the outermost level");
        assertRefused(post(CHAT, "{\"model\": \"pocket\", \"messages\": [{\"role\": \"user\", \"content\": \""
                + "long ".repeat(300) + "\"}]}"), 400, null, "context_length_exceeded", "at most 200 are taken on");
    }

    @Test
    void aRequestMustBeAnObjectOfJson() throws Exception {
        assertRefused(post(CHAT, "Hello!"), 400, null, null, "the body is not JSON");
        assertRefused(post(CHAT, ""), 400, null, null, "the body must be a JSON object, found nothing");
        assertRefused(post(CHAT, "[1]"), 400, null, null, "the body must be a JSON object, found [1]");
        assertRefused(post(CHAT, HELLO + "} x"), 400, null, null, "the body is not JSON");
        assertRefused(post(CHAT, "[".repeat(1500)), 400, null, null, "the body is not JSON");
        assertRefused(post(CHAT, "{" + MESSAGES + "}"), 400, "model", "missing_required_parameter", "'model'");
        assertRefused(post(CHAT, "{\"model\": \"pocket\"}"), 400, "messages", "missing_required_parameter",
                "'messages'");
        assertRefused(post(CHAT, "{\"model\": \"pocket\", \"messages\": []}"), 400, "messages", "invalid_value",
                "at least one message");
    }

    @Test
    void anotherModelIsNotFound() throws Exception {
        String message = "there is no model 'gpt-4o' here, only 'pocket'";
        assertRefused(post(CHAT, HELLO.replace("pocket", "gpt-4o") + "}"), 404, "model", "model_not_found", message);
        assertRefused(post("/completions", "{\"model\": \"gpt-4o\", \"prompt\": \"a\"}"), 404, "model",
                "model_not_found", message);
        assertRefused(server.send(server.request("/models/gpt-4o").header("Authorization", "bearer open sesame")), 404,
                "model", "model_not_found", message);
    }

    @Test
    void whoHasNoKeyIsNotServed() throws Exception {
        for (String path : List.of("/models", "/models/pocket")) {
            HttpResponse<String> response = server.get(path);
            assertRefused(response, 401, null, null, "Authorization: Bearer");
            assertThat(response.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        }
        for (String path : List.of(CHAT, "/completions")) {
            assertRefused(server.post(path, HELLO + "}"), 401, null, null, "there is no API key");
        }
        for (String wrong : List.of("open sesam", "open sesame!", "OPEN SESAME", "")) {
            HttpResponse<String> response = server.send(
                    server.request("/models").header("Authorization", "Bearer " + wrong));
            assertThat(response.statusCode()).as(wrong).isEqualTo(401);
        }
        assertRefused(server.send(server.request("/models").header("Authorization", "Bearer guess")), 401, null,
                "invalid_api_key", "not the right one");
        assertRefused(server.send(server.request("/models").header("Authorization", "Basic open sesame")), 401, null,
                null, "there is no API key");
    }

    @Test
    void whatIsTooLargeIsNotRead() throws Exception {
        String large = HELLO + ", \"user\": \"" + "x".repeat(3000) + "\"}";
        assertRefused(post(CHAT, large), 413, null, "request_too_large", "at most 2048 bytes");
        HttpResponse<String> chunked = server.send(server.request(CHAT).header("Authorization", "Bearer open sesame")
                .header("Content-Type", "application/json").POST(BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(large.getBytes(StandardCharsets.UTF_8)))));
        assertRefused(chunked, 413, null, "request_too_large", "at most 2048 bytes");
    }

    /** A form of another site's page can be sent anywhere without asking; JSON cannot. */
    @Test
    void formsOfOtherSitesAreNotServed() throws Exception {
        for (String type : List.of("text/plain", "application/x-www-form-urlencoded")) {
            assertRefused(server.send(server.request(CHAT).header("Authorization", "Bearer open sesame")
                    .header("Content-Type", type).POST(BodyPublishers.ofString(HELLO + "}"))), 415, null, null, type);
        }
        HttpResponse<String> preflight = server.send(server.request(CHAT).header("Origin", "https://other.example")
                .header("Access-Control-Request-Method", "POST").method("OPTIONS", BodyPublishers.noBody()));
        assertThat(preflight.headers().map()).as("whatever the status, which depends on Spring's version")
                .doesNotContainKey("access-control-allow-origin");
    }

    @Test
    void otherMethodsAreNotServed() throws Exception {
        assertRefused(server.send(server.request(CHAT).header("Authorization", "Bearer open sesame")), 405, null, null,
                "the method GET is not supported here: expected POST");
        assertRefused(post("/models", "{}"), 405, null, null, "expected GET");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            prompt   | [1, 2]       | prompts of tokens
            prompt   | [[1, 2]]     | prompts of tokens
            prompt   | ["a", "b"]   | several prompts
            best_of  | 2            | expected 1, found 2
            echo     | true         | expected false, found true
            logprobs | 1            | expected nothing, found 1
            suffix   | "b"          | expected nothing, found "b"
            n        | 2            | expected 1, found 2
            """)
    void completionsRefuseByNameToo(String field, String value, String message) throws Exception {
        String prompt = field.equals("prompt") ? "" : "\"prompt\": \"a\", ";
        assertRefused(post("/completions", "{\"model\": \"pocket\", " + prompt + "\"" + field + "\": " + value + "}"),
                400, field, "unsupported_parameter", message);
    }
}
