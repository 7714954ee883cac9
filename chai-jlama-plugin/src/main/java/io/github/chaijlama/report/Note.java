// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * A remark that must not be overlooked, such as why a search ended early.
 *
 * @param text the remark
 */
public record Note(String text) implements Block {}
