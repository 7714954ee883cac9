// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * A named value of a report.
 *
 * @param name  what it is
 * @param value what it says
 */
public record Entry(String name, String value) {}
