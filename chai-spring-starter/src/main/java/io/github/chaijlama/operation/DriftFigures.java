// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Instant;
import java.util.Optional;

/**
 * What was found out about the divergence of clustered attention. Immutable.
 *
 * @param checked     requests that were checked
 * @param dropped     requests that should have been and were not: others came, or there was no memory
 * @param meanKl      mean of KL(exact || clustered) over the tokens of the requests checked last, nats; NaN without any
 * @param agreement   share of these tokens at which both expected the same token most; NaN without any
 * @param lastChecked when the last check ended; empty without any
 */
public record DriftFigures(long checked, long dropped, double meanKl, double agreement,
        Optional<Instant> lastChecked) {}
