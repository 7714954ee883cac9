// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

/**
 * What one LangChain4j model has of an engine: the use of it until the model is closed, and where the model loaded it
 * for itself, the engine too. Thread-safe.
 */
final class EngineHold implements AutoCloseable {
    private final ChaiEngine engine;
    private final boolean owned;
    private volatile boolean closed;

    private EngineHold(ChaiEngine engine, boolean owned) {
        this.engine = engine;
        this.owned = owned;
    }

    /** Returns a hold of an engine that others may use too and that whoever created it closes. */
    static EngineHold shared(ChaiEngine engine) {
        return new EngineHold(engine, false);
    }

    /** Returns a hold that closes the engine with itself. */
    static EngineHold owned(ChaiEngine engine) {
        return new EngineHold(engine, true);
    }

    /**
     * Returns the engine.
     *
     * @throws IllegalStateException if this was closed
     */
    ChaiEngine engine() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
        return engine;
    }

    /** Refuses whoever comes from now on. */
    @Override
    public void close() {
        closed = true;
        if (owned) {
            engine.close();
        }
    }
}
