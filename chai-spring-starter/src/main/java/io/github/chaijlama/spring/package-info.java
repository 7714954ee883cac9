// SPDX-License-Identifier: Apache-2.0
/** Auto-configuration of {@link io.github.chaijlama.langchain4j} for Spring Boot, with {@code chai.*} properties. */
@NullMarked
package io.github.chaijlama.spring;

import org.jspecify.annotations.NullMarked;
