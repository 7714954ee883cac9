// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Names of files as a server gives them: it may be anybody's, and says where files are written. */
final class SafePath {
    private static final Pattern SEPARATOR = Pattern.compile("[/\\\\]");
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);
    /** What means something else to some file system, Windows' streams and devices among it. */
    private static final Pattern ODD = Pattern.compile("[\\\\:*?\"<>|\\p{Cntrl}]|[. ](?:/|$)");

    private SafePath() {}

    /** Returns whether a name is one of a file below the directory it is resolved in, whatever system that is on. */
    static boolean staysInside(String name) {
        return !DRIVE.matcher(name).matches() && Arrays.stream(SEPARATOR.split(name, -1))
                .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    }

    /** Returns whether every file system takes a name for what it says. */
    static boolean isPlain(String name) {
        return staysInside(name) && !ODD.matcher(name).find();
    }

    /** Returns a file below a directory. */
    static Path resolve(Path directory, String name) {
        Path file = directory.resolve(name).normalize();
        if (!isPlain(name) || !file.startsWith(directory.normalize())) {
            throw new IllegalArgumentException("outside of " + directory + ": " + name);
        }
        return file;
    }

    /** Returns a name as part of a URL's path. */
    static String encode(String name) {
        return Arrays.stream(name.split("/", -1)).map(SafePath::encodePart).collect(Collectors.joining("/"));
    }

    /** Returns a name as one part of a URL's path, slashes included. */
    static String encodePart(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
