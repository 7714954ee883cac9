// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Asks a running sample, or a proxy in front of several, as many clients at once, and checks every answer. Each client
 * asks for a story, reads the stream to its end, and asks for the next one, every time in a conversation of its own.
 * Answers are greedy, so what is right is known from asking one question after another first. Needs nothing but a JDK:
 * {@code java sample-app/src/test/java/io/github/chaijlama/sample/LoadClient.java http://localhost:8080}. Options:
 * {@code --clients=1,4,16,64}, {@code --warm-up=3} and {@code --seconds=12} for each of these numbers, and
 * {@code --replicas=URL,URL}, what is behind the proxy, and {@code --whole=true} for answers in one
 * piece instead of streams. Ends with 1 if an answer was wrong or doubled.
 */
final class LoadClient implements AutoCloseable {
    private static final List<String> ANIMALS = List.of("fox", "bear", "otter", "lamb", "duck", "cat", "dog", "owl");
    private static final List<String> NAMES = List.of("Ruby", "Milo", "Zoe", "Clara", "Jack");
    // What is inside of a JSON string, as it is written; possessive, so that long ones need no stack.
    private static final String STRING = "\"((?:[^\"\\\\]++|\\\\.)*+)\"";
    private static final Pattern TEXT = Pattern.compile("\"text\":" + STRING);
    private static final Pattern REPLY = Pattern.compile("\"reply\":" + STRING);
    private static final Pattern CONVERSATION = Pattern.compile("\"conversationId\":" + STRING);
    private static final Pattern TOKENS = Pattern.compile("\"generatedTokens\":(\\d+)");
    private static final Pattern STATUS = Pattern.compile("\"status\":(\\d+)");
    private static final Pattern QUESTION_OF_A_USER = Pattern.compile("\"role\":\"user\"");
    private static final String ANSWERED = "answered";
    private static final String TOO_MANY = "429";

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10)).build();
    private final String url;
    private final boolean whole;
    private final List<String> replicas;
    private final Map<String, String> right = new HashMap<>();
    private final String run = Long.toString(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE), 36);

    /**
     * Creates a client.
     *
     * @param url      where questions go
     * @param whole    whether answers come in one piece
     * @param replicas where to look for what became of them: all that may have answered
     */
    LoadClient(String url, boolean whole, List<String> replicas) {
        this.url = url;
        this.whole = whole;
        this.replicas = List.copyOf(replicas);
    }

    /**
     * One question and what came of it.
     *
     * @param outcome {@code answered}, a status, or how the connection ended
     * @param first   nanoseconds from the question to the first text, meaningless if there was none
     * @param end     {@link System#nanoTime()} at the end
     * @param wrong   whether the answer is not the right one, or that to somebody else
     * @param doubled whether all or a part of the answer came twice
     */
    record Attempt(String conversation, String outcome, String reply, int tokens, long first, long start, long end,
            boolean wrong, boolean doubled) {
        boolean answered() {
            return outcome.equals(ANSWERED);
        }
    }

    /**
     * What a number of clients saw: figures are of what ended in the window, checks of everything.
     *
     * @param doubled answers that came twice, and conversations that hold a question more than once
     * @param lost    answers that no replica has in its conversations, if all of them can be asked
     */
    record Load(int clients, double seconds, List<Attempt> window, Map<String, Integer> others, int wrong, int doubled,
            int lost) {
        double perSecond(double sum) {
            return sum / seconds;
        }

        int tokens() {
            return window.stream().mapToInt(Attempt::tokens).sum();
        }

        /** Returns a quantile of times in milliseconds. */
        static long millis(double quantile, Stream<Long> nanos) {
            List<Long> sorted = nanos.sorted().toList();
            return sorted.isEmpty() ? 0
                    : Math.round(sorted.get((int) Math.ceil(quantile * sorted.size()) - 1) / 1e6);
        }

        static final String HEAD = """
                | clients | answers/s | tokens/s | first token, ms: median | 95 % | answer, ms: median | 95 % \
                | refused | failed | wrong | doubled | lost |
                | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |""";

        String row() {
            int refused = others.getOrDefault(TOO_MANY, 0);
            int failed = others.values().stream().mapToInt(Integer::intValue).sum() - refused;
            return String.format(Locale.ROOT, "| %d | %.1f | %.0f | %d | %d | %d | %d | %d | %d | %d | %d | %d |%s",
                    clients, perSecond(window.size()), perSecond(tokens()),
                    millis(0.5, window.stream().map(Attempt::first)),
                    millis(0.95, window.stream().map(Attempt::first)),
                    millis(0.5, window.stream().map(each -> each.end() - each.start())),
                    millis(0.95, window.stream().map(each -> each.end() - each.start())), refused, failed, wrong,
                    doubled, lost, failed == 0 ? "" : " " + others);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>(Map.of("--clients", "1,4,16,64", "--warm-up", "3", "--seconds",
                "12", "--replicas", arguments[0], "--questions", "40", "--whole", "false"));
        Arrays.stream(arguments).skip(1).map(each -> each.split("=", 2))
                .forEach(each -> options.put(each[0], each[1]));
        boolean good = true;
        boolean whole = Boolean.parseBoolean(options.get("--whole"));
        List<String> replicas = List.of(options.get("--replicas").split(","));
        try (LoadClient client = new LoadClient(arguments[0], whole, replicas)) {
            client.learn(Integer.parseInt(options.get("--questions")));
            System.out.println(Load.HEAD);
            for (String clients : options.get("--clients").split(",")) {
                Load load = client.load(Integer.parseInt(clients),
                        Duration.ofSeconds(Long.parseLong(options.get("--warm-up"))),
                        Duration.ofSeconds(Long.parseLong(options.get("--seconds"))));
                System.out.println(load.row());
                good &= load.wrong() == 0 && load.doubled() == 0;
            }
        }
        System.exit(good ? 0 : 1);
    }

    /** Asks this many questions, one after another: their answers are the right ones from here on. */
    void learn(int questions) throws InterruptedException {
        for (int i = 0; i < questions; i++) {
            String question = "Tell me a story about a " + ANIMALS.get(i % ANIMALS.size()) + " named "
                    + NAMES.get(i / ANIMALS.size() % NAMES.size()) + ".";
            Attempt attempt = ask("learn-" + i + "-" + run, question);
            if (!attempt.answered()) {
                throw new IllegalStateException(question + ": " + attempt.outcome());
            }
            right.put(question, attempt.reply());
        }
    }

    /** Lets clients ask for so long, waits for what is still to come, and looks at what became of all of it. */
    Load load(int clients, Duration warmUp, Duration window) throws InterruptedException, ExecutionException {
        List<String> questions = right.keySet().stream().sorted().toList();
        long from = System.nanoTime() + warmUp.toNanos();
        long to = from + window.toNanos();
        List<Future<List<Attempt>>> futures = new ArrayList<>();
        List<Attempt> all = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < clients; i++) {
                int client = i;
                futures.add(executor.submit(() -> askUntil(to, client, clients, questions)));
            }
            for (Future<List<Attempt>> future : futures) {
                all.addAll(future.get());
            }
        }
        Map<String, Integer> others = new TreeMap<>();
        all.stream().filter(each -> !each.answered()).forEach(each -> others.merge(each.outcome(), 1, Integer::sum));
        int wrong = (int) all.stream().filter(Attempt::wrong).count();
        int doubled = 0;
        int lost = 0;
        long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(1); // what was sent is remembered a moment later
        for (Attempt attempt : all) {
            Kept kept = kept(attempt, patience);
            doubled += attempt.doubled() || kept.questions() > 1 ? 1 : 0;
            lost += attempt.answered() && kept.questions() == 0 && kept.everywhere() ? 1 : 0;
        }
        return new Load(clients, window.toNanos() / 1e9, all.stream().filter(Attempt::answered)
                .filter(each -> each.end() >= from && each.end() < to).toList(), others, wrong, doubled, lost);
    }

    private List<Attempt> askUntil(long to, int client, int clients, List<String> questions)
            throws InterruptedException {
        List<Attempt> attempts = new ArrayList<>();
        for (int i = 0; System.nanoTime() < to; i++) {
            // Clients begin at different questions, and none asks again what it has just asked.
            Attempt attempt = ask(clients + "-" + client + "-" + i + "-" + run + "-" + System.nanoTime(),
                    questions.get((client * 7 + i) % questions.size()));
            attempts.add(attempt);
            if (!attempt.answered()) {
                Thread.sleep(attempt.outcome().equals(TOO_MANY) ? 2000 : 100); // as Retry-After says
            }
        }
        return attempts;
    }

    private Attempt ask(String conversation, String question) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + (whole ? "/api/chat" : "/api/chat/stream")))
                .header("Content-Type", "application/json").timeout(Duration.ofMinutes(2))
                .POST(HttpRequest.BodyPublishers.ofString("{\"conversationId\":\"" + conversation + "\",\"message\":\""
                        + question + "\",\"settings\":{\"temperature\":0}}"))
                .build();
        Reading reading = new Reading();
        String outcome;
        try {
            HttpResponse<Stream<String>> response = http.send(request, HttpResponse.BodyHandlers.ofLines());
            try (Stream<String> lines = response.body()) {
                outcome = response.statusCode() == 200 ? reading.read(lines.iterator(), whole)
                        : String.valueOf(response.statusCode());
            }
        } catch (UncheckedIOException e) { // of the body
            outcome = "broken off";
        } catch (IOException e) {
            outcome = "no response";
        }
        boolean answered = outcome.equals(ANSWERED);
        boolean wrong = answered && !(reading.conversation.equals(conversation)
                && reading.reply.equals(right.getOrDefault(question, reading.reply)));
        boolean doubled = reading.ends > 1 || answered && !reading.text.toString().equals(reading.reply);
        return new Attempt(conversation, outcome, reading.reply, reading.tokens, reading.first - reading.start,
                reading.start, System.nanoTime(), wrong, doubled);
    }

    /** What has come of a stream of events. */
    private static final class Reading {
        private final StringBuilder text = new StringBuilder();
        private final long start = System.nanoTime();
        private long first = start;
        private String reply = "";
        private String conversation = "";
        private int tokens;
        private int ends;

        String read(Iterator<String> lines, boolean whole) {
            if (whole) {
                done(lines.next());
                text.append(reply);
                first = System.nanoTime();
                return ANSWERED;
            }
            String outcome = "broken off";
            String event = "";
            while (lines.hasNext()) {
                String line = lines.next();
                if (line.startsWith("event:")) {
                    event = line.substring("event:".length()).strip();
                } else if (line.startsWith("data:")) {
                    switch (event) {
                        case "token" -> {
                            first = text.isEmpty() ? System.nanoTime() : first;
                            text.append(group(TEXT, line));
                        }
                        case "done" -> {
                            done(line);
                            outcome = ANSWERED;
                        }
                        default -> outcome = group(STATUS, line);
                    }
                }
            }
            return outcome;
        }

        private void done(String line) {
            ends++;
            reply = group(REPLY, line);
            conversation = group(CONVERSATION, line);
            tokens = Integer.parseInt(group(TOKENS, line));
        }

        private static String group(Pattern pattern, String line) {
            Matcher matcher = pattern.matcher(line);
            if (!matcher.find()) {
                throw new IllegalStateException("no " + pattern + " in " + line);
            }
            return matcher.group(1);
        }
    }

    /**
     * What replicas have of a conversation in which one question was asked.
     *
     * @param questions  how many they have of it, all together
     * @param everywhere whether all of them could be asked
     */
    private record Kept(int questions, boolean everywhere) {}

    private Kept kept(Attempt attempt, long patience) throws InterruptedException {
        Kept kept = keptNow(attempt);
        while (attempt.answered() && kept.questions() == 0 && kept.everywhere() && System.nanoTime() < patience) {
            Thread.sleep(50);
            kept = keptNow(attempt);
        }
        return kept;
    }

    private Kept keptNow(Attempt attempt) throws InterruptedException {
        int questions = 0;
        boolean everywhere = true;
        for (String replica : replicas) {
            try {
                HttpResponse<String> response = http.send(HttpRequest.newBuilder(URI.create(replica
                        + "/api/conversations/" + attempt.conversation())).build(),
                        HttpResponse.BodyHandlers.ofString());
                questions += (int) QUESTION_OF_A_USER.matcher(response.body()).results().count();
            } catch (IOException e) {
                everywhere = false; // it is not there any more
            }
        }
        return new Kept(questions, everywhere);
    }

    @Override
    public void close() {
        http.close();
    }
}
