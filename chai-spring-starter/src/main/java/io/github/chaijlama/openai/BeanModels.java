// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ListableBeanFactory;

import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;

/** The streaming models of an application, by the names of their engines; looked up once, when first asked for. */
final class BeanModels implements ServedModels {
    private static final Logger logger = LoggerFactory.getLogger(BeanModels.class);

    private final ListableBeanFactory beans;
    private volatile List<ServedModel> found = List.of();

    BeanModels(ListableBeanFactory beans) {
        this.beans = beans;
    }

    @Override
    public List<ServedModel> all() {
        if (found.isEmpty()) {
            found = find();
        }
        return found;
    }

    /** Those that nobody gets who does not ask for them by a qualifier, too: so the bean factory, not a provider. */
    private List<ServedModel> find() {
        Map<String, ChaiStreamingLanguageModel> languages = new LinkedHashMap<>();
        beans.getBeansOfType(ChaiStreamingLanguageModel.class).values()
                .forEach(model -> languages.putIfAbsent(model.modelName(), model));
        Map<String, ServedModel> models = new LinkedHashMap<>();
        beans.getBeansOfType(ChaiStreamingChatModel.class).forEach((bean, chat) -> {
            String name = chat.defaultRequestParameters().modelName();
            ServedModel model = new ServedModel(name, chat, Optional.ofNullable(languages.get(name)));
            if (models.putIfAbsent(name, model) != null) {
                logger.warn("Bean '{}' is not served at /v1: another one has its model's name, '{}'", bean, name);
            }
        });
        return List.copyOf(models.values());
    }
}
