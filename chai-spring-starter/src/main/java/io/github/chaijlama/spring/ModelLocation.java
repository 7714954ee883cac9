// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.StringUtils;

import io.github.chaijlama.hub.HubModels;
import io.github.chaijlama.hub.HubRepository;
import io.github.chaijlama.hub.HubRevision;
import io.github.chaijlama.hub.HubSettings;
import io.github.chaijlama.hub.HubSnapshot;

/** Where the properties say that the model is. */
sealed interface ModelLocation {

    /**
     * Returns the directory of the model, downloaded as far as it is not there.
     *
     * @param variables value of an environment variable or property, or null
     */
    ModelDirectory directory(ResourceLoader resourceLoader, Function<String, @Nullable String> variables);

    /**
     * {@code chai.model.path}.
     *
     * @param path a directory, or {@code classpath:} and the name of one on the class path
     */
    record Local(String path) implements ModelLocation {
        @Override
        public ModelDirectory directory(ResourceLoader resourceLoader, Function<String, @Nullable String> variables) {
            return ModelDirectory.resolve(path, resourceLoader);
        }
    }

    /** {@code chai.model.repository} and {@code chai.model.revision}. */
    record Hub(HubRepository repository, HubRevision revision) implements ModelLocation {
        private static final Logger logger = LoggerFactory.getLogger(ModelLocation.class);

        @Override
        public ModelDirectory directory(ResourceLoader resourceLoader, Function<String, @Nullable String> variables) {
            HubSettings settings = HubSettings.read(variables, Path.of(System.getProperty("user.home")));
            HubSnapshot snapshot = new HubModels(settings).find(repository, revision, logger::info);
            logger.info("Model {} is commit {} in {}", repository, snapshot.commit(), snapshot.directory());
            return new ModelDirectory(snapshot.directory(), repository.toString(), false);
        }
    }

    /** Returns where the model is, from exactly one of the ways to say it. */
    static ModelLocation of(ChaiProperties.Model model) {
        Optional<String> path = text(model.path());
        Optional<String> repository = text(model.repository());
        Optional<String> revision = text(model.revision());
        ChaiOptionsFactory.require(path.isEmpty() || repository.isEmpty(), "chai.model.repository", model.repository(),
                "Is one way to say which model, chai.model.path is another: set one of them.");
        ChaiOptionsFactory.require(repository.isPresent() || revision.isEmpty(), "chai.model.revision",
                model.revision(), "Is the version of chai.model.repository, which is not set.");
        if (repository.isPresent()) {
            return new Hub(checked("chai.model.repository", repository.get(), HubRepository::parse),
                    revision.map(name -> checked("chai.model.revision", name, HubRevision::new))
                            .orElse(HubRevision.MAIN));
        }
        return new Local(path.orElseThrow(MissingModelException::new));
    }

    private static Optional<String> text(@Nullable String value) {
        return Optional.ofNullable(value).filter(text -> !text.isBlank());
    }

    private static <T> T checked(String property, String value, Function<String, T> parser) {
        try {
            return parser.apply(value);
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationPropertyValueException(property, value,
                    StringUtils.capitalize(String.valueOf(e.getMessage())) + ".");
        }
    }
}
