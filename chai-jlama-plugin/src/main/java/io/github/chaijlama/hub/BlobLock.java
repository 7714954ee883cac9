// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import org.jspecify.annotations.Nullable;

/**
 * Lets one thread of one process fetch a content. The operating system releases the lock of a process that was killed.
 * The files stay: one that is deleted while another process opens it would be two locks.
 */
final class BlobLock implements AutoCloseable {
    private static final long MILLIS_BETWEEN_LOOKS = 50;

    private final FileChannel channel;

    private BlobLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Waits until nobody else has the lock.
     *
     * @param waiting is told once, if somebody has
     */
    static BlobLock acquire(Path file, Runnable waiting) throws IOException, InterruptedException {
        Files.createDirectories(file.getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean locked = false;
        try {
            for (int looks = 0; !locked; looks++) {
                locked = tryLock(channel);
                if (!locked) {
                    if (looks == 0) {
                        waiting.run();
                    }
                    Thread.sleep(MILLIS_BETWEEN_LOOKS);
                }
            }
            return new BlobLock(channel);
        } finally {
            if (!locked) {
                channel.close();
            }
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            @Nullable Object lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException _) {
            return false; // another thread of this process has it
        }
    }

    /** Closing the file releases the lock. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
