// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Every link in a document of this repository, to another file or to a heading, leads somewhere. */
class DocumentLinksTests {
    private static final Path REPOSITORY = Path.of("..");
    private static final Pattern FENCED = Pattern.compile("^```.*?^```$", Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)");
    private static final Pattern ELSEWHERE = Pattern.compile("[a-z]+:.*");
    private static final Pattern HEADING = Pattern.compile("^#+ +(.+?) *$", Pattern.MULTILINE);

    /** Returns the documents below a directory, without what a build has made. */
    private static List<Path> documents(Path root) throws IOException {
        List<Path> documents = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                String name = directory.getFileName().toString();
                boolean made = name.equals("target") || name.startsWith(".") && !name.equals(".github");
                return made && !directory.equals(root) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".md")) {
                    documents.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return documents;
    }

    private static List<String> links(String document) {
        return LINK.matcher(FENCED.matcher(document).replaceAll("")).results().map(link -> link.group(1))
                .filter(link -> !ELSEWHERE.matcher(link).matches()).toList();
    }

    /** Returns what a document's headings are called in links, as GitHub does it. */
    private static Set<String> anchors(String document) {
        Map<String, Integer> seen = new HashMap<>();
        Set<String> anchors = new HashSet<>();
        for (MatchResult heading : HEADING.matcher(FENCED.matcher(document).replaceAll("")).results().toList()) {
            String name = heading.group(1).toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-');
            int before = seen.merge(name, 1, Integer::sum) - 1;
            anchors.add(before == 0 ? name : name + "-" + before);
        }
        return anchors;
    }

    private static List<String> brokenLinks(Path root) throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path document : documents(root)) {
            for (String link : links(Files.readString(document))) {
                String[] parts = link.split("#", 2);
                Path target = parts[0].isEmpty() ? document : document.resolveSibling(parts[0]);
                boolean leads = Files.exists(target)
                        && (parts.length == 1 || anchors(Files.readString(target)).contains(parts[1]));
                if (!leads) {
                    broken.add(root.relativize(document) + ": " + link);
                }
            }
        }
        return broken;
    }

    @Test
    void everyLinkOfThisRepositoryLeadsSomewhere() throws IOException {
        assertThat(documents(REPOSITORY)).extracting(document -> REPOSITORY.relativize(document).toString())
                .contains("README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md", "chai-jlama-plugin/ARCHITECTURE.md",
                        "chai-spring-starter/docs/configuration.md", "sample-app/README.md");
        assertThat(brokenLinks(REPOSITORY)).isEmpty();
    }

    @Test
    void linksThatLeadNowhereAreFound(@TempDir Path directory) throws IOException {
        Files.createDirectory(directory.resolve("docs"));
        Files.writeString(directory.resolve("README.md"), """
                # A title

                [there](docs/page.md), [not there](docs/pages.md), [here](#a-title), [not here](#title),
                [a heading](docs/page.md#16-to-8192-tokens-again), [no heading](docs/page.md#17), [away](https://x.org)

                ```
                [an example](nowhere.md)
                ```
                """);
        Files.writeString(directory.resolve("docs/page.md"), "## 16 to 8,192 tokens, `again`\n[up](../README.md)\n");
        assertThat(brokenLinks(directory)).containsExactlyInAnyOrder("README.md: docs/pages.md", "README.md: #title",
                "README.md: docs/page.md#17");
    }
}
