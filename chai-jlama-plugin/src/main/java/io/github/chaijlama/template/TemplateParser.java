// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;

import com.hubspot.jinjava.el.ext.AdditionOperator;
import com.hubspot.jinjava.el.ext.AstDict;
import com.hubspot.jinjava.el.ext.AstTuple;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.el.ext.NamedParameter;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.fn.MacroFunction;
import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.impl.Builder;
import jinjava.de.odysseus.el.tree.impl.Scanner;
import jinjava.de.odysseus.el.tree.impl.Scanner.Symbol;
import jinjava.de.odysseus.el.tree.impl.ast.AstBinary;
import jinjava.de.odysseus.el.tree.impl.ast.AstIdentifier;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstParameters;
import jinjava.de.odysseus.el.tree.impl.ast.AstString;
import jinjava.javax.el.ELContext;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** Reads expressions as Python's Jinja does. */
final class TemplateParser extends ExtendedParser {
    /** What may be asked of a name that stands for a function, which is no value here. */
    private static final Set<String> FUNCTION_TESTS = Set.of("defined", "undefined", "callable");

    TemplateParser(Builder builder, String expression) {
        super(builder, expression);
    }

    @Override
    protected Scanner createScanner(String expression) {
        return new TemplateScanner(expression);
    }

    @Override
    protected AstNode and(boolean required) throws Scanner.ScanException, ParseException {
        AstNode value = not(required);
        while (value != null && is(Symbol.AND)) {
            consumeToken();
            value = both(value, not(true));
        }
        return value;
    }

    private static AstNode both(AstNode left, AstNode right) {
        return new Computed((bindings, context) -> {
            Object value = left.eval(bindings, context);
            return PythonValues.isTrue(value) ? right.eval(bindings, context) : value;
        });
    }

    /** {@code not} binds less than comparisons. */
    private AstNode not(boolean required) throws Scanner.ScanException, ParseException {
        if (!is(Symbol.NOT)) {
            return comparisons(required);
        }
        consumeToken();
        AstNode value = not(true);
        return new Computed((bindings, context) -> !PythonValues.isTrue(value.eval(bindings, context)));
    }

    private AstNode comparisons(boolean required) throws Scanner.ScanException, ParseException {
        AstNode left = add(required);
        @Nullable AstNode result = null;
        @Nullable BinaryOperator<Object> comparison = left == null ? null : comparison();
        while (comparison != null) {
            AstNode right = add(true);
            AstNode one = binary(left, right, comparison);
            result = result == null ? one : both(result, one);
            left = right;
            comparison = comparison();
        }
        return result == null ? left : result;
    }

    private static AstNode binary(AstNode left, AstNode right, BinaryOperator<Object> operator) {
        return new Computed((bindings, context) -> operator.apply(left.eval(bindings, context),
                right.eval(bindings, context)));
    }

    /** Reads a comparison, if there is one. */
    private @Nullable BinaryOperator<Object> comparison() throws Scanner.ScanException, ParseException {
        @Nullable BinaryOperator<Object> comparison = switch (getToken().getSymbol()) {
            case EQ -> PythonValues::equal;
            case NE -> (left, right) -> !PythonValues.equal(left, right);
            case LT -> (left, right) -> PythonValues.compare(left, right) < 0;
            case LE -> (left, right) -> PythonValues.compare(left, right) <= 0;
            case GT -> (left, right) -> PythonValues.compare(left, right) > 0;
            case GE -> (left, right) -> PythonValues.compare(left, right) >= 0;
            case EXTENSION, NOT -> {
                boolean negated = is(Symbol.NOT);
                String word = negated ? lookahead(0).getImage() : getToken().getImage();
                if (!word.equals("in")) {
                    yield null;
                }
                if (negated) {
                    consumeToken();
                }
                yield (value, container) -> PythonValues.contains(container, value) != negated;
            }
            default -> null;
        };
        if (comparison != null) {
            consumeToken();
        }
        return comparison;
    }

    @Override
    protected AstBinary createAstBinary(AstNode left, AstNode right, AstBinary.Operator operator) {
        if (operator.equals(AdditionOperator.OP)) {
            return operation(left, right, PythonValues::add);
        } else if (operator.equals(AstBinary.MUL)) {
            return operation(left, right, PythonNumbers::multiply);
        } else if (operator.equals(AstBinary.MOD)) {
            return operation(left, right, PythonNumbers::modulo);
        } else if (operator.equals(AstBinary.DIV)) {
            return operation(left, right, PythonNumbers::divide);
        }
        return super.createAstBinary(left, right, operator);
    }

    private static AstBinary operation(AstNode left, AstNode right, BinaryOperator<Object> operator) {
        return new AstBinary(left, right, (bindings, context, a, b) -> operator.apply(a.eval(bindings, context),
                b.eval(bindings, context)));
    }

    @Override
    protected AstNode filter(boolean required) throws Scanner.ScanException, ParseException {
        AstNode value = unary(required);
        while (value != null) {
            if (getToken().getImage().equals("|")) {
                consumeToken();
                value = filtered(value);
            } else if (is(Symbol.IDENTIFIER) && getToken().getImage().equals("is") || isExtension("is")) {
                consumeToken();
                value = tested(value);
            } else {
                break;
            }
        }
        return value;
    }

    private AstNode filtered(AstNode value) throws Scanner.ScanException, ParseException {
        String name = consumeToken(Symbol.IDENTIFIER).getImage();
        AstParameters arguments = is(Symbol.LPAREN) ? params() : new AstParameters(List.of());
        return new Computed((bindings, context) -> TemplateFilters.filter(value.eval(bindings, context), name,
                new PythonArguments(arguments.eval(bindings, context))));
    }

    private AstNode tested(AstNode value) throws Scanner.ScanException, ParseException {
        boolean negated = is(Symbol.NOT);
        if (negated) {
            consumeToken();
        }
        String name = consumeToken().getImage();
        if (!TemplateFilters.hasTest(name)) {
            throw new TemplateFault("there is no test '" + name + "' that is supported");
        }
        AstParameters arguments = is(Symbol.LPAREN) ? params() : new AstParameters(argument());
        return new Computed((bindings, context) -> {
            Object tested = value.eval(bindings, context);
            boolean isName = FUNCTION_TESTS.contains(name) && tested == null && value instanceof AstIdentifier variable
                    && isFunction(variable.getName());
            return (isName ? !name.equals("undefined")
                    : TemplateFilters.test(tested, name,
                            new PythonArguments(arguments.eval(bindings, context)))) != negated;
        });
    }

    /** Reads the argument of a test that stands without brackets. */
    private List<AstNode> argument() throws Scanner.ScanException, ParseException {
        boolean begins = switch (getToken().getSymbol()) {
            case STRING, INTEGER, FLOAT, LBRACK, TRUE, FALSE -> true;
            case IDENTIFIER -> !getToken().getImage().equals("is");
            default -> false;
        };
        return begins ? List.of(value()) : List.of();
    }

    private static boolean isFunction(String name) {
        Context context = JinjavaInterpreter.getCurrent().getContext();
        return PythonFunctions.exists(name) || context.getGlobalMacro(name) != null
                || context.getFunction(":" + name) != null;
    }

    private static AstNode called(String name, AstParameters parameters) {
        return new Computed((bindings, context) -> {
            MacroFunction macro = JinjavaInterpreter.getCurrent().getContext().getGlobalMacro(name);
            Object[] arguments = parameters.eval(bindings, context);
            return macro == null ? PythonFunctions.call(name, new PythonArguments(arguments))
                    : macro.evaluate(arguments);
        });
    }

    @Override
    protected AstDict createAstDict(Map<AstNode, AstNode> entries) {
        return new AstDict(entries) {
            @Override
            public Object eval(Bindings bindings, ELContext context) {
                Map<Object, @Nullable Object> result = new LinkedHashMap<>();
                entries.forEach((key, value) -> result.put(PythonValues.text(key.eval(bindings, context)),
                        value.eval(bindings, context)));
                return result;
            }
        };
    }

    @Override
    protected AstNode literal() throws Scanner.ScanException, ParseException {
        if (!is(Symbol.STRING)) {
            return super.literal();
        }
        StringBuilder text = new StringBuilder();
        while (is(Symbol.STRING)) { // texts that stand side by side are one
            text.append(consumeToken().getImage());
        }
        return new AstString(text.toString());
    }

    @Override
    protected AstNode nonliteral() throws Scanner.ScanException, ParseException {
        if (is(Symbol.IDENTIFIER) && PythonFunctions.exists(getToken().getImage())
                && lookahead(0).getSymbol() == Symbol.LPAREN) {
            return called(consumeToken().getImage(), params());
        }
        if (is(Symbol.IDENTIFIER) && Set.of("none", "None").contains(getToken().getImage())) {
            consumeToken();
            return new Computed((bindings, context) -> PythonValues.NONE);
        }
        if (is(Symbol.LPAREN) && lookahead(0).getSymbol() == Symbol.RPAREN) {
            consumeToken();
            consumeToken();
            return createAstTuple(new AstParameters(List.of()));
        }
        return super.nonliteral();
    }

    @Override
    protected AstTuple createAstTuple(AstParameters parameters) {
        return new AstTuple(parameters) {
            @Override
            public Object eval(Bindings bindings, ELContext context) {
                return new PythonValues.Tuple(parameters.eval(bindings, context));
            }
        };
    }

    @Override
    protected AstParameters params(Symbol left, Symbol right) throws Scanner.ScanException, ParseException {
        consumeToken(left);
        List<AstNode> values = new ArrayList<>();
        while (!is(right)) {
            if (is(Symbol.IDENTIFIER) && lookahead(0).getImage().equals("=")) {
                String name = consumeToken().getImage();
                consumeToken();
                AstNode value = expr(true);
                values.add(new Computed((bindings, context) -> new NamedParameter(name,
                        value.eval(bindings, context))));
            } else {
                values.add(expr(true));
            }
            if (!is(right)) {
                consumeToken(Symbol.COMMA);
            }
        }
        consumeToken(right);
        return new AstParameters(values);
    }

    @Override
    protected AstNode value() throws Scanner.ScanException, ParseException {
        AstNode value = nonliteral();
        value = value == null ? literal() : value;
        while (value != null) {
            if (is(Symbol.DOT)) {
                consumeToken();
                value = attribute(value, consumeToken().getImage());
            } else if (is(Symbol.LBRACK)) {
                consumeToken();
                value = element(value);
            } else {
                break;
            }
        }
        return value;
    }

    private AstNode attribute(AstNode value, String name) throws Scanner.ScanException, ParseException {
        if (!is(Symbol.LPAREN)) {
            return new Computed((bindings, context) -> PythonValues.attribute(value.eval(bindings, context), name));
        }
        AstParameters arguments = params();
        return new Computed((bindings, context) -> PythonMethods.call(value.eval(bindings, context), name,
                new PythonArguments(arguments.eval(bindings, context))));
    }

    private AstNode element(AstNode value) throws Scanner.ScanException, ParseException {
        @Nullable AstNode[] bounds = new @Nullable AstNode[3];
        int colons = 0;
        while (!is(Symbol.RBRACK)) {
            if (is(Symbol.COLON) && colons < 2) {
                consumeToken();
                colons++;
            } else {
                bounds[colons] = expr(true);
            }
        }
        consumeToken();
        if (colons == 0 && bounds[0] == null) {
            fail("an index");
        }
        boolean one = colons == 0;
        return new Computed((bindings, context) -> {
            Object base = value.eval(bindings, context);
            @Nullable Object[] values = new @Nullable Object[3];
            for (int i = 0; i < 3; i++) {
                AstNode bound = bounds[i];
                values[i] = bound == null ? null : bound.eval(bindings, context);
            }
            return one ? PythonValues.element(base, values[0])
                    : PythonValues.slice(base, values[0], values[1], values[2]);
        });
    }

    private boolean is(Symbol symbol) {
        return getToken().getSymbol() == symbol;
    }

    private boolean isExtension(String image) {
        return is(Symbol.EXTENSION) && getToken().getImage().equals(image);
    }
}
