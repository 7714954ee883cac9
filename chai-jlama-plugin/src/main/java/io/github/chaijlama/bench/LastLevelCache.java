// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The size of the machine's last-level cache, as Linux tells it. A virtual machine may tell its host's, or nothing. */
final class LastLevelCache {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([KMG]?)");

    private LastLevelCache() {}

    /** Returns the size in bytes, -1 where it is not known. */
    static long bytes() {
        return bytes(Path.of("/sys/devices/system/cpu/cpu0/cache"));
    }

    /** Returns the size of the cache of the highest level described under a directory of Linux's form. */
    static long bytes(Path directory) {
        if (!Files.isDirectory(directory)) {
            return -1;
        }
        int highest = 0;
        long bytes = -1;
        try (DirectoryStream<Path> caches = Files.newDirectoryStream(directory, "index*")) {
            for (Path cache : caches) {
                int level = Integer.parseInt(read(cache, "level"));
                if (level > highest && !read(cache, "type").equals("Instruction")) {
                    highest = level;
                    bytes = parse(read(cache, "size"));
                }
            }
        } catch (IOException | NumberFormatException _) {
            return -1;
        }
        return bytes;
    }

    private static String read(Path cache, String name) throws IOException {
        return Files.readString(cache.resolve(name)).strip();
    }

    private static long parse(String size) {
        Matcher matcher = SIZE.matcher(size);
        if (!matcher.matches()) {
            return -1;
        }
        int shift = switch (matcher.group(2)) {
            case "K" -> 10;
            case "M" -> 20;
            case "G" -> 30;
            default -> 0;
        };
        return Long.parseLong(matcher.group(1)) << shift;
    }
}
