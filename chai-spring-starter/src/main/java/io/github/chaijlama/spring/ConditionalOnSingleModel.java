// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** For beans of the model that {@code chai.model} names; where it names none, those of {@code chai.models} will do. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Conditional(ConditionalOnSingleModel.OnSingleModel.class)
@interface ConditionalOnSingleModel {

    /** Looks at the properties. */
    final class OnSingleModel implements Condition {
        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            return !NamedModels.areThere(context.getEnvironment())
                    || NamedModels.isSingleModelSet(context.getEnvironment());
        }
    }
}
