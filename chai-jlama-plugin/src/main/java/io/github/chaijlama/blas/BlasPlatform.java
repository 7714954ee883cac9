// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where BLAS libraries are on some system.
 *
 * @param bundled         the one that users can add to the class path
 * @param systemLibraries those that a system may have, by the names its loader knows them by, the best one first
 * @param advice          what to do if there is none, a sentence
 */
record BlasPlatform(Optional<BundledLibrary> bundled, List<String> systemLibraries, String advice) {
    private static final String OPENBLAS = "org/bytedeco/openblas/";
    /** Part of every macOS; there is no file of this name any more, but its loader knows it. */
    private static final String ACCELERATE = "/System/Library/Frameworks/Accelerate.framework/Accelerate";

    /**
     * Returns what there may be on a system.
     *
     * @param system       as in the system property {@code os.name}
     * @param architecture as in {@code os.arch}
     */
    static BlasPlatform of(String system, String architecture) {
        String processor = switch (architecture) {
            case "amd64" -> "x86_64";
            case "aarch64" -> "arm64";
            default -> architecture;
        };
        String name = system.toLowerCase(Locale.ROOT);
        if (name.startsWith("mac")) {
            return new BlasPlatform(Optional.empty(), List.of(ACCELERATE), "It is part of macOS.");
        } else if (name.startsWith("windows")) {
            return bundled("windows-" + processor, List.of("libopenblas.dll"),
                    List.of("libopenblas.dll", "openblas.dll"));
        }
        return bundled("linux-" + processor,
                List.of("libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0"),
                List.of("libopenblas.so.0", "libopenblas.so", "libblas.so.3", "libblas.so"));
    }

    private static BlasPlatform bundled(String classifier, List<String> files, List<String> systemLibraries) {
        return new BlasPlatform(Optional.of(new BundledLibrary(OPENBLAS + classifier + "/", files)), systemLibraries,
                "Add the dependency org.bytedeco:openblas with the classifier " + classifier
                        + ", or install OpenBLAS on the system");
    }
}
