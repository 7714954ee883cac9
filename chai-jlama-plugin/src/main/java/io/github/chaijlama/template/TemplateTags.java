// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.tag.ElseTag;
import com.hubspot.jinjava.lib.tag.ForTag;
import com.hubspot.jinjava.lib.tag.IfTag;
import com.hubspot.jinjava.lib.tag.SetTag;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.objects.Namespace;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** Jinjava's tags with the meaning they have in Python's Jinja. */
final class TemplateTags {

    private TemplateTags() {}

    /** Jinjava's own takes the text "false" for false. */
    static final class If extends IfTag {
        private static final long serialVersionUID = 1L;

        @Override
        public boolean isPositiveIfElseNode(TagNode node, JinjavaInterpreter interpreter) {
            return PythonValues.isTrue(interpreter.resolveELExpression(node.getHelpers(), node.getLineNumber()));
        }
    }

    /**
     * Jinjava's own keeps the first of several values for one name, and makes up a name with a dot where there is no
     * namespace.
     */
    static final class Set extends SetTag {
        private static final long serialVersionUID = 1L;

        @Override
        public void executeSet(TagToken token, JinjavaInterpreter interpreter, String[] names, List<?> values,
                boolean override) {
            String owner = names[0].contains(".") ? names[0].substring(0, names[0].indexOf('.')) : null;
            if (owner != null && !(interpreter.getContext().get(owner) instanceof Namespace)) {
                throw new TemplateFault("'" + owner + "' is no namespace");
            }
            super.executeSet(token, interpreter, names, matched(names, values, token.getHelpers()), override);
        }

        /** Returns a value for each name: several without brackets are one tuple, one for several is taken apart. */
        private static List<?> matched(String[] names, List<?> values, String code) {
            if (values == null || names.length == values.size() && !code.stripTrailing().endsWith(",")) {
                return values;
            }
            if (names.length == 1) {
                return List.of(new PythonValues.Tuple(values.toArray()));
            }
            List<?> parts = values.size() == 1 ? PythonValues.elements(values.getFirst()) : values;
            if (parts.size() != names.length) {
                throw new TemplateFault(Arrays.toString(names) + " cannot be set to " + parts.size() + " values");
            }
            return parts;
        }
    }

    /**
     * Jinjava's own knows no {@code if} and no {@code else} of loops, and what one turn sets is still set in the next.
     */
    static final class For extends ForTag {
        private static final long serialVersionUID = 1L;
        private static final Pattern HEADER = Pattern.compile("(?s)\\(?(?<names>.*?)\\)?\\s+in\\s+(?<rest>.*)");

        /** The names a turn sets, what they are taken from, and a condition if there is one. */
        private record Header(String[] names, String elements, Optional<String> condition, int line) {}

        @Override
        public String interpret(TagNode node, JinjavaInterpreter interpreter) {
            Header header = header(node);
            Object value = interpreter.resolveELExpression(header.elements, header.line);
            List<@Nullable Object> elements = new ArrayList<>();
            for (@Nullable Object element : PythonValues.elements(value)) {
                if (isChosen(element, header, interpreter)) {
                    elements.add(element);
                }
            }
            List<Node> body = new ArrayList<>(node.getChildren());
            List<Node> otherwise = List.of();
            for (int i = 0; i < body.size(); i++) {
                if (body.get(i).getName().equals(ElseTag.TAG_NAME)) {
                    otherwise = body.subList(i + 1, body.size());
                    body = body.subList(0, i);
                }
            }
            StringBuilder result = new StringBuilder();
            if (elements.isEmpty()) {
                otherwise.forEach(child -> result.append(child.render(interpreter)));
            }
            int depth = interpreter.getContext().get(LOOP) instanceof PythonLoop outer ? outer.depth() + 1 : 1;
            PythonLoop loop = new PythonLoop(elements, depth);
            while (loop.hasNext()) {
                interpreter.enterScope();
                try {
                    interpreter.getContext().put(LOOP, loop);
                    assign(loop.next(), header, interpreter.getContext());
                    for (int i = 0; i < body.size() && !loop.isContinued(); i++) {
                        result.append(body.get(i).render(interpreter));
                    }
                } finally {
                    interpreter.leaveScope();
                }
            }
            return result.toString();
        }

        private static Header header(TagNode node) {
            Matcher matcher = HEADER.matcher(node.getHelpers().strip());
            String rest = matcher.matches() ? matcher.group("rest") : "";
            int condition = TemplateWhitespace.indexOfWord(rest, "if");
            String elements = condition < 0 ? rest : rest.substring(0, condition);
            if (elements.isBlank() || TemplateWhitespace.indexOfWord(rest, "recursive") >= 0) {
                throw new TemplateFault("this 'for' is not supported: " + node.getHelpers().strip());
            }
            return new Header(matcher.group("names").strip().split("\\s*,\\s*"), elements,
                    condition < 0 ? Optional.empty() : Optional.of(rest.substring(condition + "if".length())),
                    node.getLineNumber());
        }

        private static boolean isChosen(@Nullable Object element, Header header, JinjavaInterpreter interpreter) {
            if (header.condition.isEmpty()) {
                return true;
            }
            interpreter.enterScope();
            try {
                assign(element, header, interpreter.getContext());
                return PythonValues.isTrue(interpreter.resolveELExpression(header.condition.get(), header.line));
            } finally {
                interpreter.leaveScope();
            }
        }

        private static void assign(@Nullable Object element, Header header, Context context) {
            if (header.names.length == 1) {
                context.put(header.names[0], element);
                return;
            }
            List<?> parts = PythonValues.elements(element);
            if (parts.size() != header.names.length) {
                throw new TemplateFault(
                        Arrays.toString(header.names) + " cannot be set to " + parts.size() + " values");
            }
            for (int i = 0; i < parts.size(); i++) {
                context.put(header.names[i], parts.get(i));
            }
        }
    }

    /** Names for a part of a template, which Jinjava does not know. */
    static final class With implements Tag {
        private static final long serialVersionUID = 1L;
        private static final Pattern NAME = Pattern.compile("(?s)\\s*([A-Za-z_]\\w*)\\s*=(?!=)(.*)");

        @Override
        public String getName() {
            return "with";
        }

        @Override
        public String getEndTagName() {
            return "endwith";
        }

        @Override
        public String interpret(TagNode node, JinjavaInterpreter interpreter) {
            // All values are found before any name is set.
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            for (String part : TemplateWhitespace.split(node.getHelpers(), ',')) {
                Matcher matcher = NAME.matcher(part);
                if (!part.isBlank() && !matcher.matches()) {
                    throw new TemplateFault("this 'with' is not supported: " + node.getHelpers().strip());
                }
                if (!part.isBlank()) {
                    values.put(matcher.group(1),
                            interpreter.resolveELExpression(matcher.group(2), node.getLineNumber()));
                }
            }
            return inScope(interpreter, () -> {
                values.forEach(interpreter.getContext()::put);
                return rendered(node, interpreter);
            });
        }
    }

    /** Filters for a part of a template, which Jinjava does not know. */
    static final class Filter implements Tag {
        private static final long serialVersionUID = 1L;
        private static final String TEXT = "__filtered_text";

        @Override
        public String getName() {
            return "filter";
        }

        @Override
        public String getEndTagName() {
            return "endfilter";
        }

        @Override
        public String interpret(TagNode node, JinjavaInterpreter interpreter) {
            return inScope(interpreter, () -> {
                String text = rendered(node, interpreter);
                interpreter.getContext().put(TEXT, text);
                return PythonValues.text(
                        interpreter.resolveELExpression(TEXT + " | " + node.getHelpers(), node.getLineNumber()));
            });
        }
    }

    private static String inScope(JinjavaInterpreter interpreter, Supplier<String> rendering) {
        interpreter.enterScope();
        try {
            return rendering.get();
        } finally {
            interpreter.leaveScope();
        }
    }

    private static String rendered(TagNode node, JinjavaInterpreter interpreter) {
        StringBuilder result = new StringBuilder();
        node.getChildren().forEach(child -> result.append(child.render(interpreter)));
        return result.toString();
    }
}
