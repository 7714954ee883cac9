// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

import io.github.chaijlama.model.ModelLoadException;

/**
 * Looks members of other classes up, and remembers those that are not there instead of failing at once: a class
 * whose constants cannot be made would otherwise end in an error that says nothing the second time it is used. Used
 * while one class is initialized, by one thread.
 */
final class MemberFinder {
    private final String testedVersion;
    private final List<Missing> missing = new ArrayList<>();

    /** A member that is not there. */
    private record Missing(String name, ReflectiveOperationException cause) {}

    /**
     * Creates a finder.
     *
     * @param testedVersion the version of Jlama that has every member
     */
    MemberFinder(String testedVersion) {
        this.testedVersion = testedVersion;
    }

    /** Returns a field; if it is missing, one whose every use fails. */
    VarHandle field(Class<?> owner, String name, Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVarHandle(owner, name, type);
        } catch (ReflectiveOperationException e) {
            Missing field = miss("field " + owner.getSimpleName() + "." + name + " of type " + type.getSimpleName(), e);
            // An element of an array, where looking for the array fails.
            VarHandle element = MethodHandles.arrayElementVarHandle(type.arrayType());
            return MethodHandles.filterCoordinates(MethodHandles.insertCoordinates(element, 1, 0), 0,
                    thrower(field, MethodType.methodType(type.arrayType(), owner)));
        }
    }

    /** Returns a method; if it is missing, one whose every call fails. */
    MethodHandle method(Class<?> owner, String name, MethodType type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVirtual(owner, name, type);
        } catch (ReflectiveOperationException e) {
            Missing method = miss("method " + owner.getSimpleName() + "." + name + type, e);
            return thrower(method, type.insertParameterTypes(0, owner));
        }
    }

    /** Returns a method that says what is missing, for whoever calls it without {@link #requireAll}. */
    private static MethodHandle thrower(Missing member, MethodType type) {
        IllegalStateException exception = new IllegalStateException("there is no " + member.name, member.cause);
        return MethodHandles.dropArguments(MethodHandles
                .throwException(type.returnType(), IllegalStateException.class).bindTo(exception), 0,
                type.parameterList());
    }

    private Missing miss(String member, ReflectiveOperationException e) {
        missing.add(new Missing(member, e));
        return missing.getLast();
    }

    /**
     * Checks that nothing was missing.
     *
     * @param version the version of Jlama that was looked at
     * @throws ModelLoadException naming the first member that was
     */
    void requireAll(String version) {
        if (!missing.isEmpty()) {
            Missing first = missing.getFirst();
            throw new ModelLoadException("this Jlama (" + version + ") cannot be served: it has no " + first.name
                    + "; chai-jlama-plugin was made for Jlama " + testedVersion, first.cause);
        }
    }
}
