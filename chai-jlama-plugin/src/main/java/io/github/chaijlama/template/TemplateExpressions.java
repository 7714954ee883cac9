// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import com.hubspot.jinjava.el.TruthyTypeConverter;
import jinjava.de.odysseus.el.ExpressionFactoryImpl;
import jinjava.de.odysseus.el.tree.TreeStore;
import jinjava.de.odysseus.el.tree.impl.Builder;
import jinjava.de.odysseus.el.tree.impl.Cache;
import jinjava.de.odysseus.el.tree.impl.Parser;
import jinjava.javax.el.ExpressionFactory;

/**
 * Jinjava's expressions with the meaning they have in Python's Jinja. On their own, Jinjava's take the text "false" for
 * false, {@code not a == b} for {@code (not a) == b}, and {@code 'a' + undefined} for "anull"; they know no method of
 * Python's texts and skip filters they do not know.
 */
final class TemplateExpressions {
    private static final int CACHED_EXPRESSIONS = 1000;

    private TemplateExpressions() {}

    static ExpressionFactory factory() {
        return new ExpressionFactoryImpl(new TreeStore(new Syntax(), new Cache(CACHED_EXPRESSIONS)), new Conversions());
    }

    private static final class Syntax extends Builder {
        private static final long serialVersionUID = 1L;

        Syntax() {
            super(Feature.METHOD_INVOCATIONS, Feature.VARARGS);
        }

        @Override
        protected Parser createParser(String expression) {
            return new TemplateParser(this, expression);
        }
    }

    /** How operators see values. */
    private static final class Conversions extends TruthyTypeConverter {
        private static final long serialVersionUID = 1L;

        @Override
        protected Boolean coerceToBoolean(Object value) {
            return PythonValues.isTrue(value);
        }

        @Override
        protected String coerceToString(Object value) {
            return PythonValues.text(value);
        }
    }
}
