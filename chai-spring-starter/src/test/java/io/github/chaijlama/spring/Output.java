// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What this JVM prints while it is open. (Spring Boot's OutputCaptureExtension needs JUnit 6.) */
final class Output implements AutoCloseable {
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream captured = new ByteArrayOutputStream();

    Output() {
        PrintStream stream = new PrintStream(captured, true, StandardCharsets.UTF_8);
        System.setOut(stream);
        System.setErr(stream);
    }

    /** Returns what was printed so far, with the line ends of Unix. */
    String text() {
        return captured.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }

    /** Prints for everybody again, what was captured included. */
    @Override
    public void close() {
        System.out.flush();
        System.setOut(out);
        System.setErr(err);
        out.print(text());
    }
}
