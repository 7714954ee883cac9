// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.stream.Stream;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;

import io.github.chaijlama.langchain4j.ChaiEngine;

/** The engines that an application has loaded: one that nobody has needed is not loaded to be watched. */
final class LoadedEngines {
    private LoadedEngines() {}

    static List<ChaiEngine> of(ConfigurableListableBeanFactory beans) {
        return Stream.of(beans.getBeanNamesForType(ChaiEngine.class, false, false)).filter(beans::containsSingleton)
                .map(name -> beans.getBean(name, ChaiEngine.class)).toList();
    }
}
