// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import picocli.CommandLine;

/** What a run of the command in this JVM gave. */
record CommandRun(int exitCode, String out, String err) {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    static CommandRun of(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = ChaiCommand.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new CommandRun(command.execute(args), out.toString(), err.toString());
    }

    JsonNode json() {
        try {
            return MAPPER.readTree(out);
        } catch (JsonProcessingException e) {
            throw new AssertionError(out, e);
        }
    }
}
