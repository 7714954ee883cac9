// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

import io.github.chaijlama.files.AtomicFile;

/**
 * Writes a {@link Report} as one HTML file that loads nothing: it opens from a disk, follows the reader's light or dark
 * theme, fits a telephone and paper. Its content security policy allows its own style sheet and script, by digest, and
 * nothing else: no other script, no picture, no network. Without scripts nothing is missing but what the mouse shows.
 */
public final class HtmlReport {

    private HtmlReport() {}

    /**
     * Writes a report to a file, whole or not at all: an existing file is replaced in one step.
     *
     * @throws IOException if it cannot be written; an existing file is unchanged then
     */
    public static void write(Report report, Path file) throws IOException {
        String html = html(report);
        Path target = file.toAbsolutePath();
        if (Files.isDirectory(target)) {
            throw new IOException("report " + file + " cannot be written: it is a directory");
        }
        try {
            AtomicFile.write(target, html);
        } catch (IOException e) {
            throw new IOException("report " + file + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    /** Returns the page. */
    static String html(Report report) {
        String style = resource("report.css");
        String script = resource("report.js");
        Markup out = new Markup().doctype();
        out.open("html", "lang", "en").open("head");
        out.empty("meta", "charset", "utf-8");
        out.empty("meta", "http-equiv", "Content-Security-Policy", "content",
                "default-src 'none'; style-src 'sha256-" + sha256(style) + "'; script-src 'sha256-" + sha256(script)
                        + "'; base-uri 'none'; form-action 'none'");
        out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        out.empty("meta", "name", "color-scheme", "content", "light dark");
        out.element("title", report.title());
        out.verbatim("style", style);
        out.close().open("body");
        PageBody.write(out, report);
        out.verbatim("script", script);
        out.close().close();
        return out + "\n";
    }

    /** Returns a text from the jar, with the line ends that its digest is made of. */
    private static String resource(String name) {
        try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String sha256(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
