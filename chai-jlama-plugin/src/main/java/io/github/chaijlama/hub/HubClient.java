// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertificateException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import org.jspecify.annotations.Nullable;

/**
 * Asks the hub, and whoever it sends us to. The token goes to the hub alone: not to another host or port, and not
 * unencrypted where the hub is encrypted.
 */
final class HubClient implements AutoCloseable {
    private static final int MAX_REDIRECTS = 5;
    private static final String TRUST = "Add the certificate of whoever signs for that host, often a proxy of your own "
            + "network, to a trust store and name it with -Djavax.net.ssl.trustStore.";

    private final HubSettings settings;
    private final HubTimes times;
    private final HubErrors errors;
    private final HttpClient http;

    HubClient(HubSettings settings, HubTimes times, HubErrors errors) {
        this.settings = settings;
        this.times = times;
        this.errors = errors;
        // HTTP/1.1: a connection for each file, which do not wait for one another.
        this.http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(times.connect())
                .followRedirects(HttpClient.Redirect.NEVER).build();
    }

    /**
     * An answer, to be closed.
     *
     * @param asked headers of the hub's own answer, which may only have said where to go
     * @param given the answer in the end
     */
    record Answer(HttpHeaders asked, HttpResponse<InputStream> given) implements AutoCloseable {
        int status() {
            return given.statusCode();
        }

        HttpHeaders headers() {
            return given.headers();
        }

        InputStream body() {
            return given.body();
        }

        /** Returns who answered. */
        String host() {
            return HubClient.host(given.uri());
        }

        @Override
        public void close() {
            closeQuietly(given.body());
        }
    }

    /**
     * Sends a request and follows where it leads.
     *
     * @param what   what is asked for, for messages
     * @param method GET or HEAD
     * @param path   path at the hub, which begins with a slash
     * @param from   first byte to send; 0 asks for everything
     * @return an answer of status 200, 206 or 416; the caller closes it
     * @throws PassingTrouble if trying again may help
     * @throws HubException   if it will not
     */
    Answer send(String what, String method, String path, long from) throws PassingTrouble, InterruptedException {
        URI uri = URI.create(settings.endpoint() + path);
        @Nullable HttpHeaders asked = null;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpResponse<InputStream> response = exchange(request(method, uri, from), what);
            asked = asked == null ? response.headers() : asked;
            int status = response.statusCode();
            if (status == 200 || status == 206 || status == 416) {
                return new Answer(asked, response);
            }
            closeQuietly(response.body());
            if (status < 300 || status >= 400 || response.headers().firstValue("Location").isEmpty()) {
                throw asUnchecked(errors.of(what, host(uri), status, response.headers()));
            }
            if (method.equals("HEAD") && response.headers().firstValue("X-Linked-Etag").isPresent()) {
                return new Answer(asked, response); // it says everything, and the way on may be for GET only
            }
            uri = target(what, uri, response.headers().firstValue("Location").orElseThrow());
        }
        throw new HubException(what + " could not be downloaded: " + settings.endpoint() + " redirects more than "
                + MAX_REDIRECTS + " times, last to " + host(uri), "Check HF_ENDPOINT.");
    }

    private static RuntimeException asUnchecked(Exception failure) throws PassingTrouble {
        if (failure instanceof PassingTrouble trouble) {
            throw trouble;
        }
        return (RuntimeException) failure;
    }

    private URI target(String what, URI from, String location) {
        try {
            URI target = from.resolve(location);
            boolean secure = "https".equalsIgnoreCase(target.getScheme());
            boolean plain = "http".equalsIgnoreCase(target.getScheme())
                    && !"https".equalsIgnoreCase(from.getScheme());
            if ((secure || plain) && target.getHost() != null) {
                return target;
            }
        } catch (IllegalArgumentException _) {
            // Said below, without the address: it may hold a signature.
        }
        throw new HubException(what + " could not be downloaded: " + host(from) + " redirects to an address that is "
                + "no http address, or not encrypted", "Check HF_ENDPOINT.");
    }

    private HttpRequest request(String method, URI uri, long from) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody())
                .header("User-Agent", "chai-jlama").header("Accept-Encoding", "identity");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        if (isHub(uri)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        return request.build();
    }

    private boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return hub.getScheme().equalsIgnoreCase(uri.getScheme()) && hub.getHost().equalsIgnoreCase(uri.getHost())
                && port(hub) == port(uri);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /** The request's own timeout would include its body from Java 26 on, and that may take hours. */
    private HttpResponse<InputStream> exchange(HttpRequest request, String what)
            throws PassingTrouble, InterruptedException {
        CompletableFuture<HttpResponse<InputStream>> response = http.sendAsync(request, BodyHandlers.ofInputStream());
        try {
            return response.get(times.answer().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new PassingTrouble(host(request.uri()) + " did not answer in "
                    + TransferText.time(times.answer().toSeconds()), e);
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            if (has(cause, CertificateException.class)) {
                throw HubException.passing(what + " could not be downloaded: no encrypted connection to "
                        + host(request.uri()) + ": " + cause.getMessage(), TRUST, cause);
            }
            throw new PassingTrouble(trouble(request.uri(), cause), cause);
        } finally {
            if (!response.isDone()) {
                response.cancel(true);
            }
        }
    }

    private static String trouble(URI uri, Throwable cause) {
        return switch (cause) {
            case HttpConnectTimeoutException _ -> host(uri) + " cannot be reached: no connection in time";
            case ConnectException e when has(e, UnresolvedAddressException.class) ->
                "there is no host " + host(uri) + ", or no network";
            case ConnectException _ -> host(uri) + " cannot be reached: connection refused";
            default -> "the connection to " + host(uri) + " broke: "
                    + Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName());
        };
    }

    private static boolean has(Throwable failure, Class<? extends Throwable> type) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the host of an address without what may be secret: a signature, a token. */
    private static String host(URI uri) {
        return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() >= 0 ? ":" + uri.getPort() : "");
    }

    private static void closeQuietly(InputStream body) {
        try {
            body.close();
        } catch (IOException _) {
            // Nothing more is wanted of it.
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
