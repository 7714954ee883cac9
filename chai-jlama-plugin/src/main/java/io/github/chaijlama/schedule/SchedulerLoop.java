// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.prefix.SharedSessions;

/**
 * What a scheduler does, turn after turn: ends what is cancelled or late, starts what waits, takes a step. Belongs to
 * one thread.
 *
 * <p>When keys and values do not fit, and no idle prefix is left to give way, a sequence is paused: one whose reader is
 * behind if there is such a one, else the youngest. Until a sequence has ended nothing new is started then, or it would
 * be paused again. The oldest sequence that is read goes on always, so all come to their end.
 */
final class SchedulerLoop {
    private static final Logger logger = LoggerFactory.getLogger(SchedulerLoop.class);
    private static final Comparator<ScheduledSequence> BY_ARRIVAL = Comparator
            .comparingLong(ScheduledSequence::number);

    private final SharedSessions sessions;
    private final SchedulerLimits limits;
    private final KvBudget.Member memory;
    private final Runnable ended;
    /** Those with a session, in order of arrival. */
    private final TreeSet<ScheduledSequence> running = new TreeSet<>(BY_ARRIVAL);
    /** Those without: new and paused ones. */
    private final TreeSet<ScheduledSequence> waiting = new TreeSet<>(BY_ARRIVAL);
    private boolean memoryIsShort;
    private boolean othersHaveMemory;
    private boolean hasMoved;
    /** For other threads, as is the next. */
    private volatile int numberRunning;
    private volatile long pauses;
    private volatile List<ScheduledSequence> publicRunning = List.of();
    private volatile List<ScheduledSequence> publicWaiting = List.of();
    private final StepCounts counts = new StepCounts();

    /**
     * Creates a loop without requests.
     *
     * @param memory its turns with others that have the same budget
     * @param ended told of every request that has come to its end, before it is told itself
     */
    SchedulerLoop(SharedSessions sessions, SchedulerLimits limits, KvBudget.Member memory, Runnable ended) {
        this.sessions = sessions;
        this.limits = limits;
        this.memory = memory;
        this.ended = ended;
    }

    void add(ScheduledSequence sequence) {
        waiting.add(sequence);
        hasMoved = true;
    }

    /** Returns the number of sequences that share steps; any thread may ask. */
    int running() {
        return numberRunning;
    }

    int waiting() {
        return waiting.size();
    }

    /** Returns how often a sequence has given way to others, to be calculated again; any thread may ask. */
    long pauses() {
        return pauses;
    }

    /** Returns what steps there were; any thread may ask. */
    StepCounts counts() {
        return counts;
    }

    /** Returns those that share steps, then those that wait, as it was before the last step; any thread may ask. */
    List<SequenceFigures> sequences() {
        return Stream.concat(publicRunning.stream().map(each -> each.figures(true)),
                publicWaiting.stream().map(each -> each.figures(false))).toList();
    }

    /** Shows other threads who runs and who waits: when that has changed, and not with every step. */
    private void publish() {
        if (hasMoved) {
            publicRunning = List.copyOf(running);
            publicWaiting = List.copyOf(waiting);
            hasMoved = false;
        }
    }

    /** Returns the earliest deadline of all requests. */
    OptionalLong nextDeadline() {
        return Stream.concat(running.stream(), waiting.stream()).map(ScheduledSequence::deadline)
                .filter(OptionalLong::isPresent).mapToLong(OptionalLong::getAsLong).reduce((a, b) -> a - b < 0 ? a : b);
    }

    /**
     * Does what can be done now.
     *
     * @param now the time by which deadlines are set
     * @return false if there is nothing to do until something changes or a deadline comes
     */
    boolean turn(long now) {
        for (ScheduledSequence sequence : all()) {
            if (sequence.generation().isCancelled()) {
                SequenceUse use = sequence.use();
                end(sequence, () -> sequence.generation().cancelled(use));
            } else if (sequence.isExpired(now)) {
                fail(sequence, new TimeLimitException(limits.timeLimit().orElseThrow(), sequence.hasBegun()));
            }
        }
        giveToOthers();
        admit();
        publish();
        List<StepPlan.Part> parts = StepPlan.of(List.copyOf(running), limits);
        if (parts.isEmpty()) {
            return false;
        }
        othersHaveMemory = false;
        step(new ArrayList<>(parts));
        counts.end();
        publish();
        return !othersHaveMemory;
    }

    /** Ends all requests with an error. */
    void failAll(Throwable error) {
        all().forEach(sequence -> fail(sequence, error));
        publish();
    }

    private List<ScheduledSequence> all() {
        return Stream.concat(running.stream(), waiting.stream()).toList();
    }

    /** Gives memory to another model that goes first: idle sessions, then the youngest. */
    private void giveToOthers() {
        if (running.isEmpty() && waiting.isEmpty()) {
            memory.end();
        }
        while (memory.mustGive()) {
            if (!sessions.giveIdleMemory()) {
                if (running.isEmpty()) {
                    memory.hasNothingToGive();
                    return;
                }
                pause(youngest(true).or(() -> youngest(false)).orElseThrow());
                memory.hasGivenWay();
            }
            memory.hasReturnedMemory();
        }
    }

    /** Starts what waits, in order of arrival, as far as there is room. */
    private void admit() {
        while (true) {
            if (memory.mustWait() || isFull() && youngest(true).isEmpty()) {
                return; // before prompts are compared
            }
            Optional<ScheduledSequence> next = waiting.stream().filter(each -> each.canStart(sessions)).findFirst();
            if (next.isEmpty() || !makeRoom()) {
                return;
            }
            ScheduledSequence sequence = next.get();
            waiting.remove(sequence);
            running.add(sequence);
            numberRunning = running.size();
            hasMoved = true;
            try {
                sequence.start(sessions);
            } catch (RuntimeException | Error e) {
                fail(sequence, e);
            }
        }
    }

    /** Sees to a place for one more; who reads slowly does not keep others from theirs. */
    private boolean makeRoom() {
        if (!isFull()) {
            return true;
        }
        youngest(true).ifPresent(behind -> {
            pause(behind);
            memoryIsShort = false;
        });
        return !isFull();
    }

    private boolean isFull() {
        return memoryIsShort && !running.isEmpty() || running.size() >= limits.maxConcurrent();
    }

    private Optional<ScheduledSequence> youngest(boolean behindOnly) {
        return running.descendingSet().stream().filter(each -> !behindOnly || !each.generation().isReady())
                .findFirst();
    }

    private void pause(ScheduledSequence sequence) {
        logger.debug("Paused request {} to make room for others", sequence.number());
        pauses = pauses() + 1; // by this thread only
        setAside(sequence);
    }

    /** Gives a sequence's memory away, and lets it wait. */
    private void setAside(ScheduledSequence sequence) {
        running.remove(sequence);
        numberRunning = running.size();
        sequence.close();
        waiting.add(sequence);
        hasMoved = true;
    }

    private void step(List<StepPlan.Part> parts) {
        while (!parts.isEmpty()) {
            try {
                counts.begin();
                float[][] logits = sessions.step(parts.stream().map(StepPlan.Part::run).toList());
                counts.count(parts.stream().mapToInt(part -> part.run().count()).sum());
                advance(parts, logits);
                return;
            } catch (KvCacheFullException e) {
                if (parts.stream().anyMatch(StepPlan.Part::hasGuess)) {
                    parts.replaceAll(StepPlan.Part::withoutGuess); // nobody gives way for what may be wrong
                } else {
                    giveWay(parts, e);
                }
            } catch (RuntimeException | Error e) {
                findOut(parts.stream().map(StepPlan.Part::sequence).toList(), e);
                return;
            }
        }
    }

    /** Finds out whose fault it is that a step failed: each goes on alone, from what is known of it. */
    private void findOut(List<ScheduledSequence> sequences, Throwable error) {
        if (sequences.size() == 1) {
            fail(sequences.getFirst(), error);
            return;
        }
        logger.warn("A step of {} requests failed; each goes on alone for a while", sequences.size(), error);
        sequences.forEach(sequence -> {
            sequence.suspect();
            setAside(sequence);
        });
    }

    /** Takes somebody out of a step that did not get its memory. */
    private void giveWay(List<StepPlan.Part> parts, KvCacheFullException e) {
        ScheduledSequence asking = parts.get(e.run()).sequence();
        ScheduledSequence victim = youngest(true).or(() -> youngest(false)).orElseThrow();
        if (e.isBeyondBudget() || running.size() == 1 && !memory.ask(e.neededBytes())) {
            victim = asking; // nobody else can help it
            fail(asking, e);
        } else if (running.size() == 1) {
            othersHaveMemory = true;
            victim = asking;
            if (memory.mustWait()) {
                pause(asking);
                memory.hasReturnedMemory();
            }
        } else {
            pause(victim);
            memoryIsShort = true;
        }
        ScheduledSequence out = victim;
        parts.removeIf(part -> part.sequence() == out);
    }

    private void advance(List<StepPlan.Part> parts, float[][] logits) {
        int next = 0;
        for (StepPlan.Part part : parts) {
            ScheduledSequence sequence = part.sequence();
            try {
                int from = next;
                next += part.run().logits();
                if (next == from) {
                    sequence.stepped();
                } else if (!sequence.stepped(part.run(), List.of(logits).subList(from, next))) {
                    SequenceUse use = sequence.use();
                    end(sequence, () -> sequence.generation().finished(use));
                }
            } catch (RuntimeException | Error e) {
                fail(sequence, e);
            }
        }
    }

    private void fail(ScheduledSequence sequence, Throwable error) {
        end(sequence, () -> sequence.generation().failed(error));
    }

    /** Returns a sequence's memory, and only then tells of its end. */
    private void end(ScheduledSequence sequence, Runnable tell) {
        if (running.remove(sequence)) {
            memoryIsShort = false;
            numberRunning = running.size();
        }
        waiting.remove(sequence);
        hasMoved = true;
        try {
            sequence.close();
        } catch (RuntimeException e) {
            logger.warn("The sequence of request {} could not be closed", sequence.number(), e);
        }
        memory.end();
        memory.hasReturnedMemory();
        ended.run();
        publish();
        try {
            tell.run();
        } catch (RuntimeException e) {
            logger.warn("Request {} did not take the news of its end", sequence.number(), e);
        }
    }
}
