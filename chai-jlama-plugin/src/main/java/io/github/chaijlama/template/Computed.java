// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstRightValue;
import jinjava.javax.el.ELContext;
import org.jspecify.annotations.Nullable;

/** A part of an expression that is evaluated here. */
final class Computed extends AstRightValue {
    /** How a value is found. */
    interface Evaluation {
        @Nullable Object of(Bindings bindings, ELContext context);
    }

    private final Evaluation evaluation;

    Computed(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
        return evaluation.of(bindings, context);
    }

    @Override
    public String toString() {
        return "an expression";
    }

    @Override
    public void appendStructure(StringBuilder builder, Bindings bindings) {
        builder.append("...");
    }

    @Override
    public int getCardinality() {
        return 0;
    }

    @Override
    public @Nullable AstNode getChild(int index) {
        return null;
    }
}
