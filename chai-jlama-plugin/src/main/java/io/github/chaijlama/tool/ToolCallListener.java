// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

/** Hears of the parts of an answer in their order. */
public interface ToolCallListener {

    /** Listens to nothing. */
    ToolCallListener NONE = new ToolCallListener() {
        @Override
        public void onText(String text) {}

        @Override
        public void onArguments(int index, String id, String name, String part) {}

        @Override
        public void onCall(int index, ToolCall call) {}
    };

    /** Called for text beside calls, never empty. */
    void onText(String text);

    /**
     * Called for a part of the arguments of a call, never blank. All parts together are the call's arguments. A call
     * whose answer ends too early is not completed, and comes as text as well.
     *
     * @param index place of the call in the answer, from 0
     * @param id    id of the call
     * @param name  name of the tool
     */
    void onArguments(int index, String id, String name, String part);

    /** Called when a call is complete, after its arguments. */
    void onCall(int index, ToolCall call);
}
