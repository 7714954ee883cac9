// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.Optional;

import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /health} and {@code /metrics} beside {@code /v1}, where routers look for them. */
@RestController
final class RouterController {
    private final RouterMetrics metrics;
    private final ChaiHealth health;

    RouterController(RouterMetrics metrics, ChaiHealth health) {
        this.metrics = metrics;
        this.health = health;
    }

    /** Returns 200 if requests are answered, 503 and the reason if not. */
    @GetMapping(path = "/health", produces = "text/plain")
    ResponseEntity<String> health() {
        Optional<String> problem = health.state().problem();
        return problem.map(reason -> ResponseEntity.status(HttpStatus.SERVICE_UNAVAILABLE).body(reason))
                .orElseGet(() -> ResponseEntity.ok(""));
    }

    @GetMapping(path = "/metrics")
    ResponseEntity<String> metrics() {
        return ResponseEntity.ok().header("Content-Type", PrometheusText.CONTENT_TYPE)
                .body(PrometheusText.of(metrics.families()));
    }
}
