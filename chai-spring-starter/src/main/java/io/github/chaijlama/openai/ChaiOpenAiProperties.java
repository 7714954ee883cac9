// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.time.Duration;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Settings of the OpenAI-compatible endpoint.
 *
 * @param enabled         Whether servlet applications serve their models at /v1, in the manner of OpenAI's API.
 * @param apiKey          Key that requests must bear, as OpenAI's clients send it. By default everybody is served.
 * @param maxRequestSize  Largest body of a request.
 * @param keepAlive       Time without a word of the answer after which something is sent that clients pass over, so
 *                        that connections stay open and clients that have gone are noticed. 0 sends nothing.
 * @param routerEndpoints Whether /health and /metrics are served beside /v1, for routers in front of several replicas.
 */
@ConfigurationProperties("chai.openai")
public record ChaiOpenAiProperties(@DefaultValue("false") boolean enabled, @Nullable String apiKey,
        @DefaultValue("4MB") DataSize maxRequestSize, @DefaultValue("10s") Duration keepAlive,
        @DefaultValue("false") boolean routerEndpoints) {

    /** Returns everything but the key. */
    @Override
    public String toString() {
        return "ChaiOpenAiProperties[enabled=" + enabled + ", apiKey=" + (apiKey == null ? "none" : "***")
                + ", maxRequestSize=" + maxRequestSize + ", keepAlive=" + keepAlive + ", routerEndpoints="
                + routerEndpoints + "]";
    }
}
