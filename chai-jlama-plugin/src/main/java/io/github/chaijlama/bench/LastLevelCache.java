// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The size of the machine's last-level cache, as Linux tells it. A virtual machine may tell its host's, or nothing. */
final class LastLevelCache {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([KMG]?)");

    private LastLevelCache() {}

    /** Returns the size in bytes, empty where it is not known. */
    static OptionalLong bytes() {
        return bytes(Path.of("/sys/devices/system/cpu/cpu0/cache"));
    }

    /** Returns the size of the cache of the highest level described under a directory of Linux's form. */
    static OptionalLong bytes(Path directory) {
        if (!Files.isDirectory(directory)) {
            return OptionalLong.empty();
        }
        int highest = 0;
        OptionalLong bytes = OptionalLong.empty();
        try (DirectoryStream<Path> caches = Files.newDirectoryStream(directory, "index*")) {
            for (Path cache : caches) {
                int level = Integer.parseInt(read(cache, "level"));
                if (level > highest && !read(cache, "type").equals("Instruction")) {
                    highest = level;
                    bytes = parse(read(cache, "size"));
                }
            }
        } catch (IOException | NumberFormatException _) {
            return OptionalLong.empty();
        }
        return bytes;
    }

    private static String read(Path cache, String name) throws IOException {
        return Files.readString(cache.resolve(name)).strip();
    }

    private static OptionalLong parse(String size) {
        Matcher matcher = SIZE.matcher(size);
        if (!matcher.matches()) {
            return OptionalLong.empty();
        }
        int shift = switch (matcher.group(2)) {
            case "K" -> 10;
            case "M" -> 20;
            case "G" -> 30;
            default -> 0;
        };
        return OptionalLong.of(Long.parseLong(matcher.group(1)) << shift);
    }
}
