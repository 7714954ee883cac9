// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.KvBufferCache;

/**
 * Hands Jlama's own methods their buffers while the attention is exchanged. Such a buffer is only the name of a
 * sequence: its pages are never touched, so no file is made. The last few sessions are remembered, so that a
 * conversation can go on; Jlama's own cache remembers every session for ever.
 */
final class SessionBuffers extends KvBufferCache {
    private static final int REMEMBERED = 16;

    private final Map<UUID, KvBuffer> sessions = new LinkedHashMap<>(REMEMBERED, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<UUID, KvBuffer> eldest) {
            return size() > REMEMBERED;
        }
    };

    SessionBuffers(AbstractModel model) {
        super(model);
    }

    @Override
    public KvBuffer getKvBuffer(UUID session) {
        synchronized (sessions) {
            return sessions.computeIfAbsent(session, id -> getEphemeralKvBuffer());
        }
    }

    @Override
    public void close() {
        synchronized (sessions) {
            sessions.clear();
        }
        super.close();
    }
}
