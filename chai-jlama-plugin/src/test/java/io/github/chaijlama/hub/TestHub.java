// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/**
 * A hub with one model, {@code owner/model}, that speaks the protocol of the Hugging Face hub: lists with sizes and
 * hashes, small files of its own behind a relative redirect, large ones at another server, which is sent no token.
 */
public final class TestHub implements AutoCloseable {
    public static final String ID = "owner/model";
    static final HubRepository REPOSITORY = HubRepository.parse(ID);
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    /** Where a file is large for this hub. */
    private static final int LARGE = 10_000;

    /** A request. */
    public record Request(String server, String method, String path, String range, String token) {}

    /** An answer that is not the usual one; a usual one is {@link #usual}. */
    interface Answer {
        void send(HttpExchange exchange, byte[] content) throws IOException;
    }

    private final HttpServer hub = start("hub");
    private final HttpServer storage = start("storage");
    private final Map<String, byte[]> files = new TreeMap<>();
    private final Map<String, byte[]> contents = new ConcurrentHashMap<>();
    private final Map<String, Deque<Answer>> answers = new ConcurrentHashMap<>();
    final List<Request> requests = new CopyOnWriteArrayList<>();
    String commit = COMMIT;
    String branch = "main";
    String neededToken;
    boolean listsHashes = true;
    boolean storageKnowsRanges = true;
    /** Where the large files are said to be, by default under another name of this machine. */
    String storageHost = "localhost";

    private HttpServer start(String name) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().factory()));
            server.createContext("/", exchange -> {
                try (exchange) {
                    record(name, exchange);
                    if (name.equals("hub")) {
                        answerHub(exchange);
                    } else {
                        answerStorage(exchange);
                    }
                }
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns a hub with a model of each kind of file, and of others that nobody should fetch. */
    static TestHub withModel() {
        TestHub hub = new TestHub();
        hub.put("config.json", "{}").put("generation_config.json", "{\"a\": 1}").put("tokenizer.json", "{\"b\": 2}")
                .put("tokenizer_config.json", "{}").put("chat_template.jinja", "hello")
                .put("additional_chat_templates/tools.jinja", "tools").put("model.safetensors", random(3_000_000, 1))
                .put("README.md", "read").put(".gitattributes", "").put("pytorch_model.bin", random(20_000, 2))
                .put("model.gguf", random(20_000, 3)).put("onnx/model.onnx", random(20_000, 4))
                .put("original/consolidated.00.pth", random(20_000, 5))
                .put("consolidated.safetensors", random(20_000, 6)).put("adapter_model.safetensors", random(20_000, 7));
        return hub;
    }

    static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    TestHub put(String path, String content) {
        return put(path, content.getBytes(StandardCharsets.UTF_8));
    }

    public TestHub put(String path, byte[] content) {
        files.put(path, content);
        contents.put(hash(content), content);
        return this;
    }

    void remove(String path) {
        files.remove(path);
    }

    byte[] content(String path) {
        return files.get(path);
    }

    /** Returns what the hub and its cache call a content. */
    static String hash(byte[] content) {
        try {
            if (content.length >= LARGE) {
                return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(digest.digest(content));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Answers the next requests for a file's content, or for "list", otherwise. */
    void answer(String path, Answer... next) {
        answers.computeIfAbsent(path, _ -> new ArrayDeque<>()).addAll(List.of(next));
    }

    /** Answers everything as usual again. */
    void answerAsUsual() {
        answers.clear();
    }

    /** Returns an answer without a body. */
    static Answer status(int status, String... headers) {
        return (exchange, _) -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
        };
    }

    /** Returns an answer that ends after some bytes of what was asked for. */
    static Answer cutAfter(int bytes) {
        return (exchange, content) -> {
            int from = from(exchange);
            begin(exchange, content, from);
            exchange.getResponseBody().write(content, from, bytes);
            exchange.getResponseBody().flush(); // closing before everything was sent breaks the connection
        };
    }

    public String endpoint() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    String storageAddress() {
        return "http://" + storageHost + ":" + storage.getAddress().getPort();
    }

    HubSettings settings(Path cache) {
        return new HubSettings(URI.create(endpoint()), cache, Optional.empty(), false);
    }

    /** Returns the requests for a file's content, wherever it is. */
    List<Request> contentRequests(String path) {
        String hash = hash(files.get(path));
        return requests.stream().filter(request -> request.method().equals("GET") && request.path().contains(hash))
                .toList();
    }

    private void record(String server, HttpExchange exchange) {
        requests.add(new Request(server, exchange.getRequestMethod(), exchange.getRequestURI().toString(),
                exchange.getRequestHeaders().getFirst("Range"),
                exchange.getRequestHeaders().getFirst("Authorization")));
    }

    private void answerHub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        String list = "/api/models/" + ID + "/revision/";
        String resolve = "/" + ID + "/resolve/" + commit + "/";
        if (neededToken != null && !("Bearer " + neededToken).equals(exchange.getRequestHeaders().getFirst(
                "Authorization"))) {
            status(401, "X-Error-Code", "RepoNotFound").send(exchange, null);
        } else if (path.startsWith(list)) {
            answerList(exchange, URLDecoder.decode(path.substring(list.length()), StandardCharsets.UTF_8));
        } else if (path.startsWith("/api/resolve-cache/")) {
            send(exchange, path.substring(path.lastIndexOf('/') + 1));
        } else if (path.startsWith(resolve)) {
            answerResolve(exchange, URLDecoder.decode(path.substring(resolve.length()), StandardCharsets.UTF_8));
        } else {
            status(404, "X-Error-Code", "RepoNotFound", "X-Error-Message", "Repository not found")
                    .send(exchange, null);
        }
    }

    private void answerList(HttpExchange exchange, String revision) throws IOException {
        Answer other = next("list");
        if (other != null) {
            other.send(exchange, listing());
        } else if (!revision.equals(branch) && !revision.equals(commit)) {
            status(404, "X-Error-Code", "RevisionNotFound").send(exchange, null);
        } else {
            usual(exchange, listing());
        }
    }

    byte[] listing() {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("id", ID).put("sha", commit);
        ArrayNode siblings = root.putArray("siblings");
        files.forEach((path, content) -> {
            ObjectNode sibling = siblings.addObject().put("rfilename", path);
            if (listsHashes) {
                sibling.put("size", content.length);
                sibling.put("blobId", HexFormat.of().formatHex(new byte[20]));
                if (content.length >= LARGE) {
                    sibling.putObject("lfs").put("sha256", hash(content)).put("size", content.length)
                            .put("pointerSize", 134);
                } else {
                    sibling.put("blobId", hash(content));
                }
            }
        });
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void answerResolve(HttpExchange exchange, String path) throws IOException {
        byte[] content = files.get(path);
        if (content == null) {
            status(404, "X-Error-Code", "EntryNotFound").send(exchange, null);
            return;
        }
        Answer other = next("resolve " + path);
        if (other != null) {
            other.send(exchange, content);
        } else if (content.length >= LARGE) {
            status(302, "X-Linked-Etag", "\"" + hash(content) + "\"", "X-Linked-Size", "" + content.length,
                    "X-Repo-Commit", commit, "Location", storageAddress() + "/" + hash(content) + "?Signature=secret")
                    .send(exchange, content);
        } else {
            status(307, "Location", "/api/resolve-cache/models/" + ID + "/" + hash(content)).send(exchange, content);
        }
    }

    private void answerStorage(HttpExchange exchange) throws IOException {
        send(exchange, exchange.getRequestURI().getPath().substring(1));
    }

    private void send(HttpExchange exchange, String hash) throws IOException {
        byte[] content = contents.get(hash);
        Answer other = next(files.entrySet().stream().filter(file -> hash(file.getValue()).equals(hash))
                .map(Map.Entry::getKey).findFirst().orElse(""));
        if (other != null) {
            other.send(exchange, content);
        } else {
            exchange.getResponseHeaders().set("ETag", "\"" + hash + "\"");
            sendPart(exchange, content, storageKnowsRanges ? from(exchange) : 0);
        }
    }

    private Answer next(String path) {
        Deque<Answer> next = answers.get(path);
        synchronized (answers) {
            return next == null ? null : next.poll();
        }
    }

    static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    }

    static void begin(HttpExchange exchange, byte[] content, int from) throws IOException {
        if (from > 0) {
            exchange.getResponseHeaders().set("Content-Range",
                    "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
    }

    /** Sends a content, or the part of it that was asked for. */
    static void usual(HttpExchange exchange, byte[] content) throws IOException {
        sendPart(exchange, content, from(exchange));
    }

    private static void sendPart(HttpExchange exchange, byte[] content, int from) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        begin(exchange, content, from);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(content, from, content.length - from);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        storage.stop(0);
    }
}
