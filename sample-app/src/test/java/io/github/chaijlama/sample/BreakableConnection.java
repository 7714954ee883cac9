// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A port in front of another one, whose connections can be cut as a network cuts them. */
final class BreakableConnection implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Set<Thread> copying = ConcurrentHashMap.newKeySet();

    BreakableConnection(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                connect(server.accept());
            }
        } catch (IOException e) {
            cut(); // closed
        }
    }

    private void connect(Socket from) throws IOException {
        try {
            Socket to = new Socket(InetAddress.getLoopbackAddress(), target);
            open.add(from);
            open.add(to);
            copying.add(Thread.ofVirtual().start(() -> copy(from, to)));
            copying.add(Thread.ofVirtual().start(() -> copy(to, from)));
        } catch (IOException e) {
            from.close(); // nobody listens there
        }
    }

    private void copy(Socket from, Socket to) {
        try (from; to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
                out.flush();
            }
        } catch (IOException e) {
            open.remove(from); // cut
        }
    }

    /** Cuts all connections that there are, and returns when that is done: who reads from a socket also closes it. */
    void cutAndWait() throws InterruptedException {
        cut();
        for (Thread each : copying) {
            each.join();
        }
        copying.clear();
    }

    private void cut() {
        for (Socket socket : open) {
            try (socket) {
                socket.setSoLinger(true, 0);
            } catch (IOException e) {
                open.remove(socket); // closed already
            }
        }
        open.clear();
    }

    @Override
    public void close() throws IOException {
        server.close();
        cut();
    }
}
