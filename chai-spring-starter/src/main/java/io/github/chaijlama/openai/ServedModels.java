// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;

/**
 * The models that the endpoint serves. By default those of all {@code ChaiStreamingChatModel} beans, by the names they
 * have in requests; an application that wants others, or other names, defines a bean of this type.
 */
@FunctionalInterface
public interface ServedModels {

    /** Returns the models, no two of the same name; asked for with every request, by any thread. */
    List<ServedModel> all();
}
