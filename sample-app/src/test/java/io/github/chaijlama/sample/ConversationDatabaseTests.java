// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class ConversationDatabaseTests {
    private static final ConversationKey KEY = new ConversationKey("owner", "a");
    private static final List<ChatMessage> MESSAGES = List.of(UserMessage.from("Hello!"));

    @TempDir
    private Path directory;

    /** Another process: holds the database of its argument until nobody listens any more. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] arguments) throws IOException {
            try (ConversationDatabase database = ConversationDatabase.open(arguments[0], "", "")) {
                store(database).updateMessages(KEY, MESSAGES);
                System.out.println("open: " + database.notice().isEmpty());
                while (System.in.read() >= 0) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    private static ConversationStore store(ConversationDatabase database) {
        return new ConversationStore(database.dataSource(), Duration.ofDays(1), InstantSource.system());
    }

    private String place() {
        return directory.resolve("new/conversations").toString();
    }

    @Test
    void aSecondProcessSaysSoAndStartsInMemory() throws Exception {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Holder.class.getName(), place())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try (BufferedReader lines = process.inputReader()) {
            assertThat(lines.lines().filter(line -> line.startsWith("open: ")).findFirst()).hasValue("open: true");
            try (ConversationDatabase second = ConversationDatabase.open(place(), "", "")) {
                assertThat(second.notice()).hasValueSatisfying(
                        notice -> assertThat(notice).startsWith("Another process has the file of conversations"));
                assertThat(store(second).getMessages(KEY)).isEmpty();
                store(second).updateMessages(KEY, MESSAGES);
            }
        } finally {
            process.destroyForcibly(); // no time to close anything
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        try (ConversationDatabase third = ConversationDatabase.open(place(), "", "")) {
            assertThat(third.notice()).as("the file is free again").isEmpty();
            assertThat(store(third).getMessages(KEY)).as("and has what the first process wrote").isEqualTo(MESSAGES);
        }
    }

    @Test
    void whatIsMadeForConversationsIsTheUsersAlone() throws IOException {
        ConversationDatabase.open(place(), "", "").close();
        assertThat(Path.of(place() + ".mv.db")).isRegularFile();
        if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("new"))))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void aFileThatCannotBeWrittenIsSaidAndDoesNotStopTheStart() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "not a directory");
        try (ConversationDatabase database = ConversationDatabase.open(file.resolve("conversations").toString(), "",
                "")) {
            assertThat(database.notice()).hasValueSatisfying(
                    notice -> assertThat(notice).startsWith("The file of conversations cannot be written"));
            store(database).updateMessages(KEY, MESSAGES);
            assertThat(store(database).getMessages(KEY)).isEqualTo(MESSAGES);
        }
    }

    @Test
    void memoryIsEachProcesssOwn() {
        try (ConversationDatabase one = ConversationDatabase.open("memory", "", "");
                ConversationDatabase other = ConversationDatabase.open("memory", "", "")) {
            store(one).updateMessages(KEY, MESSAGES);
            assertThat(store(other).getMessages(KEY)).isEmpty();
            assertThat(one.notice()).isPresent();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "", " ", "file;INIT=RUNSCRIPT FROM 'x'" })
    void whatCannotBeAFileIsRefused(String place) {
        assertThatThrownBy(() -> ConversationDatabase.open(place, "", ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sample.conversations.store must be a file, memory, or a JDBC URL");
    }

    @Test
    void aDatabaseThatIsNotThereStopsTheStart() {
        assertThatThrownBy(() -> ConversationDatabase.open("jdbc:nothing://x/y", "u", "secret"))
                .hasMessageNotContaining("secret");
    }
}
