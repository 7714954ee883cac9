// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.ConfigurationPropertyState;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.env.Environment;

/** The models of {@code chai.models}, each with its own settings and, below them, those for all. */
final class NamedModels {
    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("chai");
    private static final ConfigurationPropertyName MODELS = ConfigurationPropertyName.of("chai.models");
    private static final ConfigurationPropertyName MODEL = ConfigurationPropertyName.of("chai.model");
    private static final ConfigurationPropertyName MAX_MEMORY = ConfigurationPropertyName.of("kv-cache.max-memory");
    private static final ConfigurationPropertyName THREADS = ConfigurationPropertyName.of("threads");
    /** What is of one model and says nothing of another. */
    private static final Set<ConfigurationPropertyName> NOT_FOR_ALL = Set.of(
            ConfigurationPropertyName.of("chai.model.path"), ConfigurationPropertyName.of("chai.model.repository"),
            ConfigurationPropertyName.of("chai.model.revision"), ConfigurationPropertyName.of("chai.model.name"),
            ConfigurationPropertyName.of("chai.profile"));
    private static final Pattern ID = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");

    private NamedModels() {}

    /**
     * Returns the ids of the models.
     *
     * @throws InvalidConfigurationPropertyValueException if one is none, or something is set for one that is for all
     */
    static Set<String> ids(Environment environment) {
        Set<String> ids = named(environment).keySet();
        for (String id : ids) {
            if (!ID.matcher(id).matches() || id.equals("chai")) {
                throw new InvalidConfigurationPropertyValueException(MODELS + "." + id, id,
                        "Ids of models are lower-case letters and digits, maybe with hyphens, and not 'chai'.");
            }
            refuseWhatIsForAll(environment, MODELS.append(id).append(THREADS), "chai.threads");
            refuseWhatIsForAll(environment, MODELS.append(id).append(MAX_MEMORY), "chai.kv-cache.max-memory");
        }
        Binder.get(environment).bind(MODELS, Bindable.mapOf(String.class, NamedModelProperties.class),
                new NoUnboundElementsBindHandler(BindHandler.DEFAULT));
        return ids;
    }

    private static Map<String, Object> named(Environment environment) {
        return Binder.get(environment).bind(MODELS, Bindable.mapOf(String.class, Object.class)).orElse(Map.of());
    }

    /** Returns whether there are such models. */
    static boolean areThere(Environment environment) {
        return !named(environment).isEmpty();
    }

    /** Returns whether {@code chai.model} says which model to load. */
    static boolean isSingleModelSet(Environment environment) {
        return isSet(environment, "chai.model.path") || isSet(environment, "chai.model.repository");
    }

    private static boolean isSet(Environment environment, String name) {
        return property(environment, ConfigurationPropertyName.of(name)) != null;
    }

    private static @Nullable ConfigurationProperty property(Environment environment, ConfigurationPropertyName name) {
        for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
            @Nullable ConfigurationProperty property = source.getConfigurationProperty(name);
            if (property != null) {
                return property;
            }
        }
        return null;
    }

    /** Returns the settings of a model, as if it were the only one. */
    static ChaiProperties properties(Environment environment, String id) {
        ConfigurationPropertyName prefix = MODELS.append(id);
        List<ConfigurationPropertySource> sources = new ArrayList<>();
        for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
            sources.add(new Own(source, prefix));
        }
        for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
            sources.add(new ForAll(source));
        }
        return new Binder(sources, new PropertySourcesPlaceholdersResolver(environment)).bindOrCreate("chai",
                ChaiProperties.class);
    }

    private static void refuseWhatIsForAll(Environment environment, ConfigurationPropertyName own, String forAll) {
        @Nullable ConfigurationProperty set = property(environment, own);
        if (set != null) {
            throw new InvalidConfigurationPropertyValueException(own.toString(), set.getValue(),
                    "All models together have one such limit: set " + forAll + ".");
        }
    }

    /**
     * Returns an exception that names a property where it is set for a model.
     *
     * @param e of a model that was thought to be the only one
     */
    static InvalidConfigurationPropertyValueException named(InvalidConfigurationPropertyValueException e,
            Environment environment, String id) {
        ConfigurationPropertyName own = own(ConfigurationPropertyName.of(e.getName()), MODELS.append(id));
        return property(environment, own) == null ? e
                : new InvalidConfigurationPropertyValueException(own.toString(), e.getValue(),
                        named(String.valueOf(e.getReason()), id));
    }

    /** Returns a sentence about {@code chai.model} or its profile as one about a model with an id. */
    static String named(String sentence, String id) {
        return sentence.replace("chai.model.", MODELS + "." + id + ".").replace("chai.profile",
                MODELS + "." + id + ".profile");
    }

    private static ConfigurationPropertyName own(ConfigurationPropertyName name, ConfigurationPropertyName prefix) {
        if (name.equals(ROOT) || name.equals(MODEL)) {
            return prefix;
        }
        return prefix.append(name.subName(MODEL.isAncestorOf(name) ? 2 : 1));
    }

    /**
     * What is set for one model, under the names of the only one.
     *
     * @param prefix of its own names
     */
    private record Own(ConfigurationPropertySource source, ConfigurationPropertyName prefix)
            implements
                ConfigurationPropertySource {

        @Override
        public @Nullable ConfigurationProperty getConfigurationProperty(ConfigurationPropertyName name) {
            return ROOT.isAncestorOf(name) ? source.getConfigurationProperty(own(name, prefix)) : null;
        }

        @Override
        public ConfigurationPropertyState containsDescendantOf(ConfigurationPropertyName name) {
            return source.containsDescendantOf(own(name, prefix));
        }

        @Override
        public @Nullable Object getUnderlyingSource() {
            return source.getUnderlyingSource();
        }
    }

    /** What is set for all. */
    private record ForAll(ConfigurationPropertySource source) implements ConfigurationPropertySource {

        @Override
        public @Nullable ConfigurationProperty getConfigurationProperty(ConfigurationPropertyName name) {
            return NOT_FOR_ALL.contains(name) || MODELS.isAncestorOf(name) ? null
                    : source.getConfigurationProperty(name);
        }

        @Override
        public ConfigurationPropertyState containsDescendantOf(ConfigurationPropertyName name) {
            return MODELS.equals(name) ? ConfigurationPropertyState.ABSENT : source.containsDescendantOf(name);
        }

        @Override
        public @Nullable Object getUnderlyingSource() {
            return source.getUnderlyingSource();
        }
    }
}
