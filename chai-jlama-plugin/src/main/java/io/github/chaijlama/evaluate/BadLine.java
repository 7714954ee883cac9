// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * A line that was skipped.
 *
 * @param source name of the file or resource
 * @param line   its number, from 1
 * @param reason what was expected and found
 */
public record BadLine(String source, long line, String reason) {

    @Override
    public String toString() {
        return source + ", line " + line + ": " + reason;
    }
}
