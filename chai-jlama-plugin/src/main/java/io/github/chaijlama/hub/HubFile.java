// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

/**
 * A file of a model on the hub.
 *
 * @param path where it is in the model, with slashes
 * @param size bytes
 * @param hash what its content hashes to
 */
record HubFile(String path, long size, ContentHash hash) {}
