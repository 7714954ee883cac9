// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.sun.management.UnixOperatingSystemMXBean;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the process holds.
 *
 * @param residentBytes memory of the whole process, 0 where the system does not tell
 * @param openFiles     open files, 0 where the system does not tell
 */
record Footprint(long heapBytes, long directBytes, long residentBytes, long openFiles, int threads,
        List<String> temporaryFiles) {

    static Footprint now() throws IOException, InterruptedException {
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(50);
        }
        Runtime runtime = Runtime.getRuntime();
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct")).mapToLong(BufferPoolMXBean::getMemoryUsed).sum();
        long files = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getOpenFileDescriptorCount()
                : 0;
        try (var temporary = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            // Other processes use the same directory: names of ours and of Jlama's only.
            List<String> names = temporary.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("chai") || name.endsWith(".page")).sorted().toList();
            return new Footprint(runtime.totalMemory() - runtime.freeMemory(), direct, readResidentBytes(), files,
                    Thread.activeCount(), names);
        }
    }

    private static long readResidentBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst().orElse(0);
    }

    /** Fails if the process holds more than before, beyond what garbage collection and compiled code explain. */
    void assertIsNoMoreThan(Footprint before) {
        assertThat(temporaryFiles).isEqualTo(before.temporaryFiles);
        assertThat(openFiles).isLessThanOrEqualTo(before.openFiles);
        assertThat(threads).isLessThanOrEqualTo(before.threads + 1);
        assertThat(heapBytes - before.heapBytes).isLessThan(8 << 20);
        assertThat(directBytes - before.directBytes).isLessThan(1 << 20);
        assertThat(residentBytes - before.residentBytes).isLessThan(64 << 20);
    }
}
