// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/** A content that comes in pieces, in a file that is still there after a cut. Whoever has its lock uses it. */
final class IncompleteBlob implements Closeable {
    private static final int CHUNK = 1 << 16;

    private final HubFile file;
    private final FileChannel channel;
    private MessageDigest digest;
    private long length;

    private IncompleteBlob(HubFile file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
        this.digest = file.hash().newDigest(file.size());
    }

    /** Opens the file, with what an earlier download has left in it. */
    static IncompleteBlob open(Path path, HubFile file) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try {
            IncompleteBlob blob = new IncompleteBlob(file, channel);
            if (channel.size() > file.size()) {
                blob.restart();
            } else {
                blob.readAgain();
            }
            return blob;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private void readAgain() throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        while (channel.read(chunk.clear()) > 0) {
            chunk.flip();
            length += chunk.remaining();
            digest.update(chunk);
        }
    }

    /** Throws away what there is. */
    void restart() throws IOException {
        channel.truncate(0);
        channel.position(0);
        length = 0;
        digest = file.hash().newDigest(file.size());
    }

    /** Adds bytes at the end. */
    void append(byte[] bytes, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, count);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        digest.update(bytes, 0, count);
        length += count;
    }

    /** Returns how many bytes there are. */
    long length() {
        return length;
    }

    /** Returns whether all bytes are there. */
    boolean isWhole() {
        return length == file.size();
    }

    /** Returns what all bytes hash to; to be called once they are there, and once. */
    ContentHash hash() {
        return ContentHash.of(digest);
    }

    /** Waits until the bytes are on the disk: a power cut must not leave a name without its content. */
    void force() throws IOException {
        channel.force(true);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
