// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * A conversation as its template wrote it. Where the text of a message spells a control token, a guard character stands
 * inside it, so that only the template's own control tokens can be recognised; {@link #unguard} takes it out again.
 *
 * @param guardedText the rendered text with guard characters
 * @param guard       a character that occurs nowhere else in it
 */
record RenderedPrompt(String guardedText, char guard) {

    /** Returns the rendered text. */
    String text() {
        return unguard(guardedText);
    }

    /** Returns a part of the text without guard characters. */
    String unguard(String part) {
        return part.indexOf(guard) < 0 ? part : part.replace(String.valueOf(guard), "");
    }
}
