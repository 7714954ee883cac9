// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.prefix.SharedSessions;

/** Who takes part in a step, and with how many tokens. */
final class StepPlan {
    /**
     * Rows of answers from which on there are no guesses: a step of so many takes as long as its arithmetic, so each
     * wrong one takes time from others.
     */
    private static final int MAX_ROWS_WITH_GUESSES = 16;

    private StepPlan() {}

    /**
     * A sequence with what the step does for it.
     *
     * @param hasGuess whether some of it may turn out not to be needed
     */
    record Part(ScheduledSequence sequence, SharedSessions.Run run, boolean hasGuess) {

        static Part of(ScheduledSequence sequence, int maxTokens) {
            return new Part(sequence, sequence.run(maxTokens), false);
        }

        static Part withGuess(ScheduledSequence sequence, int maxGuesses) {
            SharedSessions.Run run = sequence.runWithGuess(maxGuesses);
            return new Part(sequence, run, run.logits() > 1);
        }

        /** Returns the part with what is certain alone. */
        Part withoutGuess() {
            return hasGuess ? of(sequence, sequence.left()) : this;
        }
    }

    /**
     * Plans a step: a token of every answer that goes on, and of the prompts, and of answers that are calculated again,
     * as many tokens as a step may have, the earliest request first. What room these leave is for more tokens of the
     * answers, first those that are certain, then those that are guessed. Who may have made a step fail goes alone.
     *
     * @param running sequences in order of arrival; those that are not ready take no part
     */
    static List<Part> of(List<ScheduledSequence> running, SchedulerLimits limits) {
        Optional<ScheduledSequence> suspect = running.stream()
                .filter(each -> each.isSuspect() && each.generation().isReady()).findFirst();
        if (suspect.isPresent()) {
            return List.of(Part.of(suspect.get(), limits.maxStepTokens()));
        }
        List<ScheduledSequence> decoding = new ArrayList<>();
        List<ScheduledSequence> behind = new ArrayList<>();
        for (ScheduledSequence sequence : running) {
            if (sequence.generation().isReady()) {
                (sequence.isDecoding() ? decoding : behind).add(sequence);
            }
        }
        List<Part> prompts = new ArrayList<>();
        int room = decoding.isEmpty() ? limits.maxStepTokens() : limits.maxSliceTokens();
        for (ScheduledSequence sequence : behind) {
            if (room == 0) {
                break;
            }
            prompts.add(Part.of(sequence, room));
            room -= prompts.getLast().run().count();
        }
        List<Part> parts = answers(decoding, room);
        parts.addAll(prompts);
        return parts;
    }

    /**
     * Plans what a step does for the answers that go on.
     *
     * @param room tokens beyond one of each
     */
    private static List<Part> answers(List<ScheduledSequence> decoding, int room) {
        int[] counts = new int[decoding.size()];
        int left = room;
        for (int i = 0; i < counts.length; i++) {
            counts[i] = 1 + Math.min(decoding.get(i).left() - 1, left);
            left -= counts[i] - 1;
        }
        int guesses = Math.min(left, MAX_ROWS_WITH_GUESSES - Arrays.stream(counts).sum());
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            ScheduledSequence sequence = decoding.get(i);
            int share = Math.ceilDiv(guesses, counts.length - i);
            Part part = share > 0 && counts[i] == sequence.left() ? Part.withGuess(sequence, share)
                    : Part.of(sequence, counts[i]);
            guesses -= part.run().count() - counts[i];
            parts.add(part);
        }
        return parts;
    }
}
