// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.files.AtomicFile;

/**
 * Where models come from and where they are kept, as the variables say that all of Hugging Face's programs read.
 *
 * @param endpoint the hub: {@code HF_ENDPOINT}, by default https://huggingface.co
 * @param cache    directory of the cache: {@code HF_HUB_CACHE}, by default {@code hub} in {@code HF_HOME}, and that
 *                 is by default {@code .cache/huggingface} in the user's home
 * @param token    who asks: {@code HF_TOKEN}, or what is in the file {@code token} in {@code HF_HOME}
 * @param offline  whether the cache must do: {@code HF_HUB_OFFLINE}
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline) {
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]+");

    /** Checks what would otherwise be noticed at the first request, and then printed with the token. */
    public HubSettings {
        if (token.isPresent() && !TOKEN.matcher(token.get()).matches()) {
            throw new HubException("the token for the hub holds characters that no token has, such as spaces",
                    "Correct HF_TOKEN, or the file 'token' in HF_HOME.");
        }
    }

    /**
     * Reads the settings.
     *
     * @param variables value of an environment variable, or null
     * @param home      the user's home directory
     * @throws HubException if a value is impossible
     */
    public static HubSettings read(Function<String, @Nullable String> variables, Path home) {
        Variables values = new Variables(variables, home);
        Path hfHome = values.path("HF_HOME").orElseGet(() -> values.path("XDG_CACHE_HOME")
                .orElseGet(() -> home.resolve(".cache")).resolve("huggingface"));
        Path cache = values.path("HF_HUB_CACHE").or(() -> values.path("HUGGINGFACE_HUB_CACHE"))
                .orElseGet(() -> hfHome.resolve("hub"));
        Path tokenFile = values.path("HF_TOKEN_PATH").orElseGet(() -> hfHome.resolve("token"));
        boolean offline = values.text("HF_HUB_OFFLINE").or(() -> values.text("TRANSFORMERS_OFFLINE"))
                .filter(text -> TRUE.contains(text.toUpperCase(Locale.ROOT))).isPresent();
        // Who asks nobody needs no token, and may not be allowed to read it beside a cache that others share.
        Optional<String> token = offline ? Optional.empty()
                : values.text("HF_TOKEN").or(() -> values.text("HUGGING_FACE_HUB_TOKEN")).or(() -> fileText(tokenFile));
        return new HubSettings(endpoint(values.text("HF_ENDPOINT").orElse(DEFAULT_ENDPOINT)), cache, token, offline);
    }

    /** Reads the settings of this process. */
    public static HubSettings ofEnvironment() {
        return read(System::getenv, Path.of(System.getProperty("user.home")));
    }

    private static URI endpoint(String text) {
        try {
            URI uri = URI.create(text.replaceFirst("/+$", ""));
            boolean http = "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
            if (http && uri.getHost() != null && uri.getUserInfo() == null && uri.getQuery() == null) {
                return uri;
            }
        } catch (IllegalArgumentException _) {
            // Said below.
        }
        throw new HubException("HF_ENDPOINT must be the address of a hub, like https://huggingface.co, found '"
                + text.replaceAll("//.*@", "//...@") + "'", "Correct HF_ENDPOINT, or do not set it.");
    }

    private static Optional<String> fileText(Path file) {
        try {
            return Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty());
        } catch (NoSuchFileException _) {
            return Optional.empty();
        } catch (IOException e) {
            throw new HubException("the token for the hub in " + file + " cannot be read: " + AtomicFile.reason(e),
                    "Make the file readable, or set HF_TOKEN.", e);
        }
    }

    private record Variables(Function<String, @Nullable String> values, Path home) {

        Optional<String> text(String name) {
            return Optional.ofNullable(values.apply(name)).map(String::strip).filter(text -> !text.isEmpty());
        }

        Optional<Path> path(String name) {
            return text(name).map(text -> {
                try {
                    return text.equals("~") || text.startsWith("~/") ? home.resolve(text.substring(1).replaceFirst("^/",
                            "")) : Path.of(text);
                } catch (InvalidPathException e) {
                    throw new HubException(name + " must be a directory, found '" + text + "'",
                            "Correct " + name + ", or do not set it.", e);
                }
            });
        }
    }

    /** Says nothing of the token. */
    @Override
    public String toString() {
        return endpoint + ", " + cache + (offline ? ", offline" : "") + (token.isPresent() ? ", with a token" : "");
    }
}
