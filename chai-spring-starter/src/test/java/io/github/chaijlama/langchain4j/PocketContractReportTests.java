// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

/**
 * How far a model of 4.8 million parameters, which has never heard of Berlin, comes in LangChain4j's contract. A report
 * in {@code target/contract-pocket.txt}, not a gate: failures there are those of the model's knowledge.
 */
@Tag("long")
class PocketContractReportTests {

    private static final class Counts implements TestExecutionListener {
        private final Map<String, int[]> suites = new TreeMap<>();
        private final List<String> lines = new ArrayList<>();

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            if (test.isTest()) {
                boolean passed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
                note(test, passed ? 0 : 1, passed ? "passed" : "failed");
            }
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            note(test, 2, "left out");
        }

        private void note(TestIdentifier test, int column, String outcome) {
            String suite = test.getSource().map(source -> source instanceof MethodSource method
                    ? method.getJavaClass().getSimpleName()
                    : source instanceof ClassSource of ? of.getJavaClass().getSimpleName() : "?").orElse("?");
            suites.computeIfAbsent(suite, any -> new int[3])[column]++;
            lines.add(suite + "." + test.getSource().map(source -> source instanceof MethodSource method
                    ? method.getMethodName()
                    : "").orElse("") + ": " + outcome);
        }
    }

    @Test
    void report() throws IOException {
        Counts counts = new Counts();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(PocketContract.class)).build();
        LauncherFactory.create().execute(request, counts);

        StringBuilder report = new StringBuilder("suite: passed, failed, left out\n");
        counts.suites.forEach((suite, count) -> report.append(
                "%s: %d, %d, %d%n".formatted(suite, count[0], count[1], count[2])));
        counts.lines.forEach(line -> report.append(line).append('\n'));
        Files.writeString(Path.of("target/contract-pocket.txt"), report);
        assertThat(counts.suites).hasSize(8);
    }
}
