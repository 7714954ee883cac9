// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.nio.file.Path;

/**
 * A model in the cache.
 *
 * @param directory directory in Hugging Face layout; its files may be links
 * @param commit    which version of the model this is
 */
public record HubSnapshot(Path directory, String commit) {}
