// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.chaijlama.model.Excerpt;

/** Says what an answer of the hub means that is none of the files. */
final class HubErrors {
    private static final Pattern SECONDS = Pattern.compile("\\d{1,9}");
    /** What the hub says beside a 429: {@code "api";r=0;t=55}, requests remaining and seconds until there are more. */
    private static final Pattern RATE_LIMIT = Pattern.compile("r\\s*=\\s*0\\s*;\\s*t\\s*=\\s*(\\d{1,9})");

    private final HubSettings settings;
    private final HubRepository repository;
    private final HubRevision revision;

    HubErrors(HubSettings settings, HubRepository repository, HubRevision revision) {
        this.settings = settings;
        this.repository = repository;
        this.revision = revision;
    }

    /**
     * Returns what to throw for an answer.
     *
     * @param what    what was asked for
     * @param host    who answered
     * @param status  HTTP status of the answer
     * @param headers headers of the answer
     */
    Exception of(String what, String host, int status, HttpHeaders headers) {
        if (status == 429 || status == 408 || status >= 500) {
            return new PassingTrouble(host + " answered " + status + detail(headers), retryAfter(headers));
        }
        String code = headers.firstValue("X-Error-Code").orElse("");
        String found = host + " answered " + status + detail(headers);
        if (code.equals("GatedRepo") || status == 403) {
            return code.equals("GatedRepo") ? gated(found) : forbidden(what, found);
        }
        if (status == 401) {
            return unauthorized(found);
        }
        return switch (code) {
            case "RepoNotFound" -> noSuchModel(found);
            case "RevisionNotFound" -> new HubException(
                    repository + " has no revision '" + revision + "': " + found, "Name a branch, a tag or a commit "
                            + "of " + page() + ".");
            case "EntryNotFound" -> noSuchFile(what, found);
            default -> status != 404
                    ? new HubException(what + " could not be downloaded: " + found, "Check HF_ENDPOINT.")
                    : what.equals(repository.toString()) ? noSuchModel(found) : noSuchFile(what, found);
        };
    }

    private String page() {
        return settings.endpoint() + "/" + repository;
    }

    private HubException gated(String found) {
        String accept = "Accept its licence at " + page() + " with your account";
        return settings.token().isEmpty()
                ? new HubException(repository + " is gated, and no token was sent: " + found,
                        accept + ", and set HF_TOKEN to a token of that account.")
                : new HubException(repository + " is gated, and not open to the account of the token: " + found,
                        accept + ", or set HF_TOKEN to a token of an account that has.");
    }

    private static HubException forbidden(String what, String found) {
        return new HubException(what + " is forbidden: " + found,
                "Set HF_TOKEN to a token that may read the model, or ask its owner.");
    }

    private HubException unauthorized(String found) {
        return settings.token().isPresent()
                ? new HubException("the token for " + settings.endpoint() + " was not accepted for " + repository
                        + ": " + found,
                        "Set HF_TOKEN (or the file 'token' in HF_HOME) to a valid token that may read the model, and "
                                + "check the model's name.")
                : new HubException(settings.endpoint() + " has no " + repository + ", or shows it to some accounts only"
                        + ": " + found, "Check the model's name; if it is private or gated, set HF_TOKEN.");
    }

    private HubException noSuchModel(String found) {
        return new HubException(settings.endpoint() + " has no " + repository + " at revision '" + revision
                + "', or not for " + (settings.token().isPresent() ? "this token" : "everybody") + ": " + found,
                "Check the model's name and its revision; if it is private, set HF_TOKEN to a token that may read it.");
    }

    private HubException noSuchFile(String what, String found) {
        return new HubException(what + " is in the list of the files of " + repository + ", but not to be had: "
                + found, "Try again later, or name another revision.");
    }

    /** Returns what the hub says about it, as a text after the status. */
    private static String detail(HttpHeaders headers) {
        return headers.firstValue("X-Error-Message").filter(text -> !text.isBlank())
                .map(text -> " (" + Excerpt.of(text) + ")").orElse("");
    }

    /** Returns how long the server wants to be left alone: seconds or a date, empty if it does not say. */
    static Optional<Duration> retryAfter(HttpHeaders headers) {
        Matcher limit = RATE_LIMIT.matcher(headers.firstValue("RateLimit").orElse(""));
        if (limit.find()) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(limit.group(1)) + 1));
        }
        return headers.firstValue("Retry-After").map(String::strip).flatMap(HubErrors::duration);
    }

    private static Optional<Duration> duration(String text) {
        if (SECONDS.matcher(text).matches()) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
        }
        try {
            Instant then = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            Duration wait = Duration.between(Instant.now(), then);
            return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
        } catch (DateTimeException _) {
            return Optional.empty();
        }
    }
}
