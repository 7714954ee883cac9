// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpreterFactory;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.objects.date.StrftimeFormatter;
import jinjava.javax.el.ExpressionFactory;
import org.jspecify.annotations.Nullable;

/**
 * Jinjava, set up to render chat templates as Hugging Face does. What templates may contain is checked against Jinja
 * itself in {@code src/test/resources/templates}.
 */
final class TemplateEngine extends Jinjava {
    private static final int DEEPEST_MACRO = 100;
    private static final TemplateEngine INSTANCE = new TemplateEngine();

    private final ExpressionFactory expressions = TemplateExpressions.factory();

    private TemplateEngine() {
        super(JinjavaConfig.newBuilder().withNestedInterpretationEnabled(false).withEnableRecursiveMacroCalls(true)
                .withMaxMacroRecursionDepth(DEEPEST_MACRO).withInterperterFactory(new Interpreters())
                .withLegacyOverrides(LegacyOverrides.newBuilder().withEvaluateMapKeys(true)
                        .withUseNaturalOperatorPrecedence(true).withAllowAdjacentTextNodes(true).build())
                .build());
        registerTag(new TemplateTags.If());
        registerTag(new TemplateTags.For());
        registerTag(new TemplateTags.Set());
        registerTag(new TemplateTags.With());
        registerTag(new TemplateTags.Filter());
        registerFunction(
                new ELFunctionDefinition("", "raise_exception", TemplateEngine.class, "raiseException", String.class));
        registerFunction(
                new ELFunctionDefinition("", "strftime_now", TemplateEngine.class, "strftimeNow", String.class));
    }

    /** Interpreters that write values as Python does. */
    private static final class Interpreters implements InterpreterFactory {
        @Override
        public JinjavaInterpreter newInstance(JinjavaInterpreter original) {
            return new Interpreter(original);
        }

        @Override
        public JinjavaInterpreter newInstance(Jinjava application, Context context, JinjavaConfig config) {
            return new Interpreter(application, context, config);
        }
    }

    private static final class Interpreter extends JinjavaInterpreter {

        Interpreter(JinjavaInterpreter original) {
            super(original);
        }

        Interpreter(Jinjava application, Context context, JinjavaConfig config) {
            super(application, context, config);
        }

        @Override
        public String getAsString(Object value) {
            return PythonValues.text(value);
        }
    }

    @Override
    public ExpressionFactory getExpressionFactory() {
        return expressions;
    }

    /**
     * Renders a template that {@link TemplateWhitespace} prepared.
     *
     * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
     */
    static String renderChat(String template, Map<String, Object> variables) {
        RenderResult result = INSTANCE.renderForResult(template, variables);
        for (TemplateError error : result.getErrors()) {
            @Nullable Throwable cause = error.getException();
            while (cause != null && !(cause instanceof RefusedByTemplate)
                    && !(cause instanceof PythonValues.TemplateFault)) {
                cause = cause.getCause();
            }
            throw cause instanceof RefusedByTemplate
                    ? new ChatTemplateException(
                            "the model's chat template refuses this conversation: " + cause.getMessage())
                    : ChatTemplateException.unreadable(error.getLineno(),
                            Optional.ofNullable(cause).map(Throwable::getMessage).orElseGet(error::getMessage));
        }
        return result.getOutput();
    }

    /** What a template throws with {@code raise_exception}. */
    private static final class RefusedByTemplate extends RuntimeException {
        private static final long serialVersionUID = 1L;

        RefusedByTemplate(String message) {
            super(message);
        }
    }

    /** The function templates call to refuse a conversation. Jinjava finds it by name. */
    static String raiseException(String message) {
        throw new RefusedByTemplate(message);
    }

    /** The function templates call for the date. Jinjava finds it by name. */
    static String strftimeNow(String format) {
        return StrftimeFormatter.format(ZonedDateTime.now(ZoneId.systemDefault()), format, Locale.ENGLISH);
    }
}
