// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.Objects;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ResourceLoader;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

/** Loads models as properties say. */
final class EngineLoader {
    private final ObjectProvider<ChaiOptionsCustomizer> customizers;
    private final ResourceLoader resourceLoader;
    private final Environment environment;
    private final ObjectProvider<SharedResources> shared;

    /**
     * Creates a loader.
     *
     * @param shared threads and memory, where several models have them together
     */
    EngineLoader(ObjectProvider<ChaiOptionsCustomizer> customizers, ResourceLoader resourceLoader,
            Environment environment, ObjectProvider<SharedResources> shared) {
        this.customizers = customizers;
        this.resourceLoader = resourceLoader;
        this.environment = environment;
        this.shared = shared;
    }

    /** Returns one of several models. */
    ChaiEngine load(String id, ChaiProperties properties) {
        try {
            return load(properties);
        } catch (InvalidConfigurationPropertyValueException e) {
            throw NamedModels.named(e, environment, id);
        } catch (RuntimeException e) {
            throw new NamedModelException(id, e);
        }
    }

    /** Returns the model that the properties name. */
    ChaiEngine load(ChaiProperties properties) {
        if (!KernelProvider.isVectorModulePresent()) {
            throw new MissingVectorModuleException();
        }
        ModelLocation location = ModelLocation.of(properties.model());
        ChaiOptionsFactory factory = new ChaiOptionsFactory(properties, resourceLoader);
        ChaiOptionsFactory.requirePossible(properties.chat()); // before the time it takes to download and load a model
        ChaiOptions options = factory.create();
        SchedulerLimits limits = factory.limits();
        ModelDirectory directory = location.directory(resourceLoader, environment::getProperty);
        String name = Objects.requireNonNullElse(properties.model().name(), directory.name());
        try {
            if (factory.needsCalibration()) {
                options = factory.clustered(options, factory.calibration().profile(directory.path(), options));
            }
            for (ChaiOptionsCustomizer customizer : customizers.orderedStream().toList()) {
                options = customizer.customize(options);
            }
            SharedResources together = shared.getIfAvailable();
            return together == null
                    ? ChaiEngine.load(directory.path(), name, options, limits, directory::deleteIfTemporary)
                    : ChaiEngine.load(directory.path(), name, options, limits, together,
                            directory::deleteIfTemporary);
        } catch (RuntimeException | Error e) {
            directory.deleteIfTemporary();
            throw e;
        }
    }
}
