// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class MemberFinderTests {

    /** Something to look into. */
    private static final class Owner {
        private final int present = 7;

        int method() {
            return present;
        }
    }

    @Test
    void findsWhatIsThere() throws Throwable {
        MemberFinder finder = new MemberFinder("1.2.3");
        assertThat((int) finder.field(Owner.class, "present", int.class).get(new Owner())).isEqualTo(7);
        assertThat((int) finder.method(Owner.class, "method", MethodType.methodType(int.class))
                .invokeExact(new Owner())).isEqualTo(7);
        finder.requireAll("1.2.3");
    }

    @Test
    void namesTheFirstThatIsMissingEveryTimeItIsAsked() {
        MemberFinder finder = new MemberFinder("1.2.3");
        VarHandle field = finder.field(Owner.class, "present", String.class);
        MethodHandle method = finder.method(Owner.class, "gone", MethodType.methodType(void.class, int.class));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> finder.requireAll("1.3.0")).isInstanceOf(ModelLoadException.class)
                    .hasMessage("this Jlama (1.3.0) cannot be served: it has no field Owner.present of type String; "
                            + "chai-jlama-plugin was made for Jlama 1.2.3");
            assertThatThrownBy(() -> field.get(new Owner())).isInstanceOf(IllegalStateException.class)
                    .hasMessage("there is no field Owner.present of type String");
            assertThatThrownBy(() -> field.set(new Owner(), "")).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> method.invoke(new Owner(), 1)).isInstanceOf(IllegalStateException.class)
                    .hasMessage("there is no method Owner.gone(int)void")
                    .hasCauseInstanceOf(NoSuchMethodException.class);
        }
    }

    @Test
    void theJlamaOnTheClassPathHasEverything() {
        JlamaAccess.requireCompatible();
        assertThat(JlamaAccess.version()).isEqualTo("0.8.4");
    }
}
