// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;

import io.github.chaijlama.model.ModelLoadException;

/**
 * Looks members of other classes up, and remembers the first that is not there instead of failing at once: a class
 * whose constants cannot be made would otherwise end in an error that says nothing the second time it is used. Used
 * while one class is initialized, by one thread.
 */
final class MemberFinder {
    private final String testedVersion;
    private String missing;
    private ReflectiveOperationException cause;

    /**
     * Creates a finder.
     *
     * @param testedVersion the version of Jlama that has every member
     */
    MemberFinder(String testedVersion) {
        this.testedVersion = testedVersion;
    }

    /** Returns a field, null if it is missing. */
    VarHandle field(Class<?> owner, String name, Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVarHandle(owner, name, type);
        } catch (ReflectiveOperationException e) {
            miss("field " + owner.getSimpleName() + "." + name + " of type " + type.getSimpleName(), e);
            return null;
        }
    }

    /** Returns a method, null if it is missing. */
    MethodHandle method(Class<?> owner, String name, MethodType type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVirtual(owner, name, type);
        } catch (ReflectiveOperationException e) {
            miss("method " + owner.getSimpleName() + "." + name + type, e);
            return null;
        }
    }

    private void miss(String member, ReflectiveOperationException e) {
        if (missing == null) {
            missing = member;
            cause = e;
        }
    }

    /**
     * Checks that nothing was missing.
     *
     * @param version the version of Jlama that was looked at
     * @throws ModelLoadException naming the first member that was
     */
    void requireAll(String version) {
        if (missing != null) {
            throw new ModelLoadException("this Jlama (" + version + ") cannot be served: it has no " + missing
                    + "; chai-jlama-plugin was made for Jlama " + testedVersion, cause);
        }
    }
}
