// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

/**
 * A BLAS library, called by its C interface: Accelerate on macOS, OpenBLAS or what else a system has elsewhere. Where
 * the library can be told so, which is OpenBLAS, and Accelerate from macOS 15 on, a call runs on its own thread alone.
 * Thread-safe.
 */
public final class BlasLibrary {
    private static final int ROW_MAJOR = 101;
    private static final int NOT_TRANSPOSED = 111;
    private static final int TRANSPOSED = 112;
    private static final FunctionDescriptor SGEMM = FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
            JAVA_INT, JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT);
    /** What Accelerate calls BLAS_THREADING_SINGLE_THREADED. */
    private static final int SINGLE_THREADED = 1;
    private static final long LONGEST_TEXT = 1024;

    private static Optional<BlasLibrary> found = Optional.empty();

    private final String description;
    private final MethodHandle sgemm;
    /** Sets how many threads the calls of the calling thread use. */
    private final Optional<MethodHandle> setThreading;

    /**
     * A matrix of floats in native memory, row by row.
     *
     * @param memory where it is
     * @param offset where it begins, in floats
     * @param stride floats from row to row
     */
    public record Matrix(MemorySegment memory, long offset, int stride) {

        private MemorySegment part(int rows, int columns) {
            if (stride < columns) {
                throw new IllegalArgumentException("rows of " + columns + " floats, " + stride + " floats apart");
            }
            return memory.asSlice(offset * Float.BYTES, ((rows - 1L) * stride + columns) * Float.BYTES);
        }
    }

    private BlasLibrary(String place, SymbolLookup symbols, MethodHandle sgemm) {
        this.sgemm = sgemm;
        this.setThreading = function(symbols, "BLASSetThreading", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        function(symbols, "openblas_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT)).ifPresent(setThreads -> {
            try {
                setThreads.invokeExact(1);
            } catch (Throwable e) {
                throw new AssertionError("a C function throws nothing", e);
            }
        });
        this.description = configuration(symbols).map(text -> text + ", from " + place).orElse("BLAS of " + place);
    }

    /**
     * Returns the library of this machine. Once there is one, it stays loaded; none is looked for again.
     *
     * @throws BlasNotFoundException if there is none; its message says what was looked for and what to add
     */
    public static synchronized BlasLibrary get() {
        if (found.isEmpty()) {
            found = Optional.of(find(BlasPlatform.of(System.getProperty("os.name"), System.getProperty("os.arch"))));
        }
        return found.get();
    }

    /** Looks for a library where a platform may have one. */
    static BlasLibrary find(BlasPlatform platform) {
        List<String> missing = new ArrayList<>();
        Optional<BlasLibrary> library = platform.bundled()
                .flatMap(bundled -> load("the class path", bundled.resource(), bundled::load, missing));
        for (String name : platform.systemLibraries()) {
            library = library.or(() -> load(name, name, () -> Optional.of(open(name)), missing));
        }
        return library.orElseThrow(() -> new BlasNotFoundException(
                "there is no BLAS library: looked for " + String.join(", ", missing) + ". " + platform.advice()));
    }

    @SuppressWarnings("restricted")
    private static SymbolLookup open(String name) {
        return SymbolLookup.libraryLookup(name, Arena.global());
    }

    /**
     * Loads a library.
     *
     * @param missing what was looked for in vain, one more if there is nothing
     */
    private static Optional<BlasLibrary> load(String place, String what, Supplier<Optional<SymbolLookup>> loader,
            List<String> missing) {
        String reason;
        try {
            Optional<SymbolLookup> symbols = loader.get();
            Optional<BlasLibrary> library = symbols.flatMap(all -> function(all, "cblas_sgemm", SGEMM)
                    .map(sgemm -> new BlasLibrary(place, all, sgemm)));
            if (library.isPresent()) {
                return library;
            }
            reason = symbols.isPresent() ? "without cblas_sgemm" : "not on the class path";
        } catch (IllegalArgumentException _) {
            reason = "cannot be opened"; // the JDK knows no more either
        } catch (IllegalCallerException | UncheckedIOException e) {
            reason = Objects.requireNonNullElse(e.getMessage(), "unknown");
        }
        missing.add(what + " (" + reason + ")");
        return Optional.empty();
    }

    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> function(SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
        return symbols.find(name).map(address -> Linker.nativeLinker().downcallHandle(address, descriptor));
    }

    /** Returns how OpenBLAS was built, and for which processor its kernels are. */
    @SuppressWarnings("restricted")
    private static Optional<String> configuration(SymbolLookup symbols) {
        return function(symbols, "openblas_get_config", FunctionDescriptor.of(ADDRESS)).map(configuration -> {
            try {
                MemorySegment text = (MemorySegment) configuration.invokeExact();
                return text.reinterpret(LONGEST_TEXT).getString(0).strip();
            } catch (Throwable e) {
                throw new AssertionError("a C function throws nothing", e);
            }
        });
    }

    /** Returns which library it is, with its version and configuration where it tells. */
    public String description() {
        return description;
    }

    /**
     * Calculates {@code c[i][j] = sum_k a[i][k] b[j][k]}.
     *
     * @param rows    rows of {@code a} and {@code c}
     * @param columns rows of {@code b} and columns of {@code c}
     * @param inner   columns of {@code a} and {@code b}
     * @param c       output; may not overlap the others
     */
    public void multiply(int rows, int columns, int inner, Matrix a, Matrix b, Matrix c) {
        if (rows < 1 || columns < 1 || inner < 1) {
            throw new IllegalArgumentException(rows + " rows, " + columns + " columns, inner " + inner);
        }
        MemorySegment left = a.part(rows, inner);
        MemorySegment right = b.part(columns, inner);
        MemorySegment result = c.part(rows, columns);
        try {
            if (setThreading.isPresent()) {
                int _ = (int) setThreading.get().invokeExact(SINGLE_THREADED);
            }
            sgemm.invokeExact(ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED, rows, columns, inner, 1f, left, a.stride, right,
                    b.stride, 0f, result, c.stride);
        } catch (RuntimeException | Error e) {
            throw e; // memory that is closed, or on the heap
        } catch (Throwable e) {
            throw new AssertionError("a C function throws nothing", e);
        }
    }
}
