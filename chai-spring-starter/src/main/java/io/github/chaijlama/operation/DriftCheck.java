// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.evaluate.Expectations;
import io.github.chaijlama.evaluate.TextLoss;
import io.github.chaijlama.generate.AnsweredRequest;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * Runs what an answered request has seen once more, with exact and with clustered attention, in small slices. Its
 * sequences may be taken from it at any time by whoever needs their memory.
 */
final class DriftCheck {
    /** Tokens that others wait for at most. */
    private static final int SLICE = 16;

    private final ChaiModel model;
    private final int maxTokens;
    /** Sequences of the check that is running, of which others may take the memory. */
    private final AtomicReference<List<ChaiSession>> sessions = new AtomicReference<>(List.of());

    /**
     * What two ways of attention expected of a request's tokens.
     *
     * @param tokens     tokens compared
     * @param divergence sum of KL(exact || clustered) over them, nats
     * @param agreed     at how many both expected the same token most
     */
    record Result(long tokens, double divergence, long agreed) {}

    DriftCheck(ChaiModel model, int maxTokens) {
        this.model = model;
        this.maxTokens = maxTokens;
    }

    /** Returns how many tokens of a request would be run. */
    int length(AnsweredRequest request) {
        return Math.min(maxTokens, request.prompt().length + request.answer().length);
    }

    /** Returns the first token that a request saw with clusters. */
    private int firstClustered(AnsweredRequest request) {
        ClusterProfile profile = model.options().profile().orElseThrow();
        return switch (profile.membership()) {
            case Membership.Static _ -> 0;
            case Membership.Online online -> online.offset() + online.window();
            case Membership.Prompt _ -> request.prompt().length;
        };
    }

    /** Whether there is anything to compare: a token that was seen with clusters, and one behind it. */
    boolean isOfUse(AnsweredRequest request) {
        return firstClustered(request) + 1 < length(request);
    }

    /**
     * Compares.
     *
     * @param goesOn asked before every slice; may wait, and stops the check with false
     * @throws DroppedException if it was stopped or somebody needed the memory
     */
    Result run(AnsweredRequest request, BooleanSupplier goesOn) {
        try (ChaiSession exact = model.newSession(AttentionMode.EXACT);
                ChaiSession clustered = model.newSession(AttentionMode.CLUSTERED)) {
            sessions.set(List.of(exact, clustered));
            return compare(request, exact, clustered, goesOn);
        } finally {
            sessions.set(List.of());
        }
    }

    private Result compare(AnsweredRequest request, ChaiSession exact, ChaiSession clustered, BooleanSupplier goesOn) {
        int promptLength = request.prompt().length;
        int[] tokens = Arrays.copyOf(request.prompt(), promptLength + request.answer().length);
        System.arraycopy(request.answer(), 0, tokens, promptLength, request.answer().length);
        int length = length(request);
        int first = firstClustered(request);
        long compared = 0;
        double divergence = 0;
        long agreed = 0;
        for (int from = 0; from + 1 < length;) {
            int to = end(from, length, first, promptLength);
            if (!goesOn.getAsBoolean()) {
                throw new DroppedException();
            }
            float[][] expected = feed(exact, tokens, from, to, promptLength);
            float[][] found = feed(clustered, tokens, from, to, promptLength);
            if (from >= first) {
                TextLoss loss = Expectations.of(expected, Arrays.copyOfRange(tokens, from + 1, to + 1)).compare(found);
                compared += loss.predicted();
                divergence += loss.divergence();
                agreed += loss.agreed();
            }
            from = to;
        }
        return new Result(compared, divergence, agreed);
    }

    /** Returns where a slice ends: before the last token, and where clusters or the answer begin. */
    private static int end(int from, int length, int first, int promptLength) {
        int to = Math.min(from + SLICE, length - 1);
        to = from < first ? Math.min(to, first) : to;
        return from < promptLength ? Math.min(to, promptLength) : to;
    }

    private float[][] feed(ChaiSession session, int[] tokens, int from, int to, int promptLength) {
        try {
            float[][] logits = session.feedAll(Arrays.copyOfRange(tokens, from, to));
            if (to == promptLength) {
                session.endPrompt();
            }
            return logits;
        } catch (RuntimeException e) {
            if (sessions.get().isEmpty()) {
                throw new DroppedException(); // they were closed
            }
            throw e;
        }
    }

    /** Gives the memory of the check that is running to others; false if there is none. */
    boolean giveWay() {
        List<ChaiSession> taken = sessions.getAndSet(List.of());
        taken.forEach(ChaiSession::close);
        return !taken.isEmpty();
    }

    /** A check was not brought to its end. */
    static final class DroppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
