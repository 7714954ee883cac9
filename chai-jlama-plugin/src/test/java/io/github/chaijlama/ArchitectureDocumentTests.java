// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** What ARCHITECTURE.md quotes and names is what the code is. */
class ArchitectureDocumentTests {
    private static final Path DOCUMENT = Path.of("ARCHITECTURE.md");
    private static final Path PACKAGES = Path.of("src/main/java/io/github/chaijlama");
    private static final Path LAUNCHER = Path.of("src/launcher/java/io/github/chaijlama");
    private static final List<Path> MODULES = List.of(Path.of(""), Path.of("../chai-spring-starter"));
    private static final Pattern QUOTE = Pattern.compile("<!-- quote: (\\S+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern FENCED = Pattern.compile("^```(\\w*)\n(.*?)^```\n",
            Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern PACKAGE_ROW = Pattern.compile("^\\| `([a-z0-9]+)` \\|", Pattern.MULTILINE);
    /** A class, perhaps behind its package, perhaps with a member of it. */
    private static final Pattern CLASS_NAME = Pattern
            .compile("`(?:[a-z0-9]+[./])*([A-Z]\\w*[a-z]\\w*)(?:\\.(\\w+))?[^`]*`");
    private static final Pattern NAME_IN_DIAGRAM = Pattern.compile("\\b([A-Z][a-z]+[A-Z]\\w*)(?:\\.(\\w+))?");
    /** Not ours: LangChain4j, and classes of it. */
    private static final Set<String> FOREIGN = Set.of("LangChain4j", "ChatRequest", "ChatResponse");

    private static String text;
    private static final Map<String, Path> SOURCES = new HashMap<>();

    @BeforeAll
    static void read() throws IOException {
        text = Files.readString(DOCUMENT);
        for (Path module : MODULES) {
            try (Stream<Path> files = Files.walk(module.resolve("src"))) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(
                        file -> SOURCES.put(file.getFileName().toString().replace(".java", ""), file));
            }
        }
    }

    /** Returns the quotations that are not in the files they are of. */
    private static List<String> wrongQuotations(String document) {
        return QUOTE.matcher(document).results().filter(quote -> !isIn(Path.of(quote.group(1)), quote.group(2)))
                .map(quote -> quote.group(1)).toList();
    }

    private static boolean isIn(Path file, String lines) {
        try {
            return Files.readString(file).contains("\n" + lines);
        } catch (IOException e) {
            throw new AssertionError("the file of a quotation cannot be read: " + file, e);
        }
    }

    @Test
    void quotationsAreTheCode() {
        assertThat(QUOTE.matcher(text).results().map(quote -> quote.group(2)))
                .anyMatch(lines -> lines
                        .contains("void forward(List<SequenceRows> sequences, Rows x, Optional<Rows> inputs)"));
        assertThat(wrongQuotations(text)).isEmpty();
    }

    @Test
    void everyPieceOfJavaIsAQuotation() {
        assertThat(FENCED.matcher(text).results().filter(block -> block.group(1).equals("java")).count())
                .isEqualTo(QUOTE.matcher(text).results().count());
    }

    @Test
    void aDifferenceOfOneSpaceIsNoticed() {
        MatchResult quote = QUOTE.matcher(text).results().findFirst().orElseThrow();
        String changed = text.replace(quote.group(2), quote.group(2).replaceFirst("; ?", " ;"));
        assertThat(changed).isNotEqualTo(text);
        assertThat(wrongQuotations(changed)).containsExactly(quote.group(1));
    }

    @Test
    void everyPackageHasARow() throws IOException {
        Set<String> packages = new TreeSet<>();
        for (Path root : List.of(PACKAGES, LAUNCHER)) {
            try (Stream<Path> directories = Files.list(root)) {
                directories.filter(Files::isDirectory).forEach(name -> packages.add(name.getFileName().toString()));
            }
        }
        assertThat(PACKAGE_ROW.matcher(text).results().map(row -> row.group(1)))
                .containsExactlyInAnyOrderElementsOf(packages);
    }

    @Test
    void everyClassAndMemberItNamesExists() throws IOException {
        String prose = FENCED.matcher(text).replaceAll("");
        String diagrams = FENCED.matcher(text).results().filter(block -> block.group(1).isEmpty())
                .map(block -> block.group(2)).collect(Collectors.joining());
        assertThat(CLASS_NAME.matcher(prose).results()).hasSizeGreaterThan(50);
        assertThat(NAME_IN_DIAGRAM.matcher(diagrams).results()).hasSizeGreaterThan(10);
        assertThat(unknown(CLASS_NAME.matcher(prose))).isEmpty();
        assertThat(unknown(NAME_IN_DIAGRAM.matcher(diagrams))).isEmpty();
    }

    private static Set<String> unknown(Matcher names) throws IOException {
        Set<String> unknown = new TreeSet<>();
        for (MatchResult name : names.results().toList()) {
            Path source = SOURCES.get(name.group(1));
            boolean known = FOREIGN.contains(name.group(1)) || source != null
                    && (name.group(2) == null || Files.readString(source).contains(name.group(2)));
            if (!known) {
                unknown.add(name.group());
            }
        }
        return unknown;
    }
}
