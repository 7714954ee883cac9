// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

import io.github.chaijlama.blas.BlasNotFoundException;
import io.github.chaijlama.hub.HubException;
import io.github.chaijlama.kv.KvCacheTooSmallException;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ProfileException;

/** Says what is wrong with the model, the profile or the JVM when the application does not start, and what to do. */
final class ChaiFailureAnalyzer implements FailureAnalyzer {
    private static final String ADD_MODULE = """
            Start Java with --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED:
              java -jar:        java --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -jar app.jar
              anywhere:         export JDK_JAVA_OPTIONS="--add-modules jdk.incubator.vector \
            --enable-native-access=ALL-UNNAMED"
              spring-boot:run:  <jvmArguments> of the spring-boot-maven-plugin, and
                                <optimizedLaunch>false</optimizedLaunch>, without which the model is many times slower
              tests:            <argLine> of the surefire and failsafe plugins""";

    @Override
    public @Nullable FailureAnalysis analyze(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof NamedModelException named) {
                return named(analyze(named.reason()), named.id());
            }
            @Nullable FailureAnalysis analysis = analysisOf(cause);
            if (analysis != null) {
                return analysis;
            }
        }
        return null;
    }

    /** Returns an analysis with the properties of one of several models. */
    private static @Nullable FailureAnalysis named(@Nullable FailureAnalysis analysis, String id) {
        return analysis == null ? null
                : new FailureAnalysis(NamedModels.named(String.valueOf(analysis.getDescription()), id),
                        NamedModels.named(String.valueOf(analysis.getAction()), id), analysis.getCause());
    }

    private static @Nullable FailureAnalysis analysisOf(Throwable cause) {
        return switch (cause) {
            case MissingVectorModuleException e ->
                new FailureAnalysis("The model cannot be loaded: " + e.getMessage() + ".",
                        ADD_MODULE, e);
            case MissingModelException e when !e.isSet() -> new FailureAnalysis(
                    "There is no model to load: " + e.getMessage() + ".",
                    "Set chai.model.path to a directory with config.json, tokenizer.json and model.safetensors, or to "
                            + "classpath: "
                            + "and the name of such a directory on the class path. Or set chai.model.repository to "
                            + "owner/name of a model of the Hugging Face hub, to have it downloaded.",
                    e);
            case MissingModelException e -> new FailureAnalysis("There is no model to load: " + e.getMessage() + ".",
                    "Correct chai.model.path: a directory with config.json, tokenizer.json and model.safetensors, or "
                            + "classpath: "
                            + "and the name of such a directory on the class path.",
                    e);
            case MissingProfileException e ->
                new FailureAnalysis("Attention cannot be clustered: " + e.getMessage() + ".",
                        "Set chai.profile to a cluster profile of this model, or chai.calibration.mode to if-missing "
                                + "to have one "
                                + "made when the application starts. Or set chai.attention to exact.",
                        e);
            case StartupCalibrationException e -> new FailureAnalysis(
                    "There is no profile of this model and none can be made: " + e.getMessage() + ".", e.action(), e);
            case BlasNotFoundException e -> new FailureAnalysis(
                    "Matrix products cannot be calculated by BLAS, as chai.operators asks: " + e.getMessage() + ".",
                    "Add the library, or set chai.operators to auto.", e);
            case KvCacheTooSmallException e -> new FailureAnalysis(
                    "Keys and values do not fit into chai.kv-cache.max-memory: " + e.getMessage() + ".",
                    "Raise chai.kv-cache.max-memory; a value without a unit is in bytes. Every request needs memory "
                            + "for its own "
                            + "tokens.",
                    e);
            case ProfileException e -> new FailureAnalysis(
                    "The cluster profile cannot be used: " + e.getMessage() + ".",
                    "Set chai.profile to a profile that was made for this model, or chai.enabled to false to run it "
                            + "with exact "
                            + "attention.",
                    e);
            case HubException e -> new FailureAnalysis(
                    "The model that chai.model.repository names cannot be had: " + e.problem() + ".", e.action(), e);
            case ModelLoadException e -> new FailureAnalysis("The model cannot be loaded: " + e.getMessage() + ".",
                    "Correct chai.model.path or chai.model.repository, or the files it leads to.", e);
            default -> null;
        };
    }
}
