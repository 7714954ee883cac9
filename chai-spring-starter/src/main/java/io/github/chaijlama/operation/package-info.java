// SPDX-License-Identifier: Apache-2.0
/**
 * What those see who operate an application: metrics, health, an actuator endpoint, and what routers in front of
 * several replicas read. Actuator, Micrometer and the Prometheus client are used where they are on the class path.
 */
@NullMarked
package io.github.chaijlama.operation;

import org.jspecify.annotations.NullMarked;
