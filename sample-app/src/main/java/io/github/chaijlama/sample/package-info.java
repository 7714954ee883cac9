// SPDX-License-Identifier: Apache-2.0
/** A chat over HTTP: what an application needs beside the starter. */
package io.github.chaijlama.sample;
