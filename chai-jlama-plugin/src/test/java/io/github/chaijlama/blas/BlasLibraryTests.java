// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.blas.BlasLibrary.Matrix;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Where a BLAS library is looked for, and that it multiplies. */
@Tag("alone")
class BlasLibraryTests {

    @Test
    void multipliesRowsThatLieApart() {
        BlasLibrary library = TestBlas.require();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment a = arena.allocateFrom(JAVA_FLOAT, 9, 1, 2, 9, 3, 4, 9);
            MemorySegment b = arena.allocateFrom(JAVA_FLOAT, 5, 6, 7, 8, 1, 0);
            MemorySegment c = arena.allocateFrom(JAVA_FLOAT, new float[9]);

            library.multiply(2, 3, 2, new Matrix(a, 1, 3), new Matrix(b, 0, 2), new Matrix(c, 1, 4));

            assertThat(c.toArray(JAVA_FLOAT)).containsExactly(0, 17, 23, 1, 0, 39, 53, 3, 0);
        }
    }

    @Test
    void checksWhatItIsGivenAtTheDoor() {
        BlasLibrary library = TestBlas.require();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment floats = arena.allocate(JAVA_FLOAT, 6);
            Matrix fits = new Matrix(floats, 0, 2);
            for (Matrix wrong : List.of(new Matrix(floats, 3, 2), new Matrix(floats, -1, 2),
                    new Matrix(floats, 0, 5))) {
                assertThatThrownBy(() -> library.multiply(2, 2, 2, wrong, fits, fits))
                        .isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> library.multiply(2, 2, 2, fits, wrong, fits))
                        .isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> library.multiply(2, 2, 2, fits, fits, wrong))
                        .isInstanceOf(IndexOutOfBoundsException.class);
            }
            assertThatThrownBy(() -> library.multiply(2, 2, 2, new Matrix(floats, 0, 1), fits, fits))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> library.multiply(0, 2, 2, fits, fits, fits))
                    .isInstanceOf(IllegalArgumentException.class);
            Matrix heap = new Matrix(MemorySegment.ofArray(new float[6]), 0, 2);
            assertThatThrownBy(() -> library.multiply(2, 2, 2, heap, fits, fits))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void namesTheLibraryItsVersionAndWhereItIsFrom() {
        BlasLibrary library = TestBlas.require();
        assumeTrue(library.description().contains("OpenBLAS"), "tells of itself as OpenBLAS does");
        assertThat(library.description()).matches("OpenBLAS \\d+\\.\\d+.*, from .+");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Linux      | amd64   | org/bytedeco/openblas/linux-x86_64/libopenblas.so.0
            Linux      | aarch64 | org/bytedeco/openblas/linux-arm64/libopenblas.so.0
            Windows 11 | amd64   | org/bytedeco/openblas/windows-x86_64/libopenblas.dll
            """)
    void looksOnTheClassPathFirst(String system, String architecture, String resource) {
        BlasPlatform platform = BlasPlatform.of(system, architecture);
        assertThat(platform.bundled().map(BundledLibrary::resource)).contains(resource);
        assertThat(platform.systemLibraries()).isNotEmpty();
    }

    @Test
    void macosHasOne() {
        BlasPlatform platform = BlasPlatform.of("Mac OS X", "aarch64");
        assertThat(platform.bundled()).isEmpty();
        assertThat(platform.systemLibraries())
                .containsExactly("/System/Library/Frameworks/Accelerate.framework/Accelerate");
    }

    @Test
    void saysWhatWasLookedForAndWhatToAdd() {
        BlasPlatform linux = BlasPlatform.of("Linux", "amd64");
        BlasPlatform without = new BlasPlatform(
                Optional.of(new BundledLibrary("org/bytedeco/openblas/none/", List.of("libopenblas.so.0"))),
                List.of("libchai-has-no-such.so.0"), linux.advice());
        assertThatThrownBy(() -> BlasLibrary.find(without)).isInstanceOf(BlasNotFoundException.class).hasMessage(
                "there is no BLAS library: looked for org/bytedeco/openblas/none/libopenblas.so.0 (not on the class "
                        + "path), libchai-has-no-such.so.0 (cannot be opened). Add the dependency "
                        + "org.bytedeco:openblas with the classifier linux-x86_64, or install OpenBLAS on the system");
    }

    @Test
    void aFileThatIsNoLibraryAndALibraryThatIsNoBlasArePassedOver() {
        assumeTrue(System.getProperty("os.name").equals("Linux"), "libm.so.6 is Linux's");
        BlasPlatform wrong = new BlasPlatform(
                Optional.of(new BundledLibrary("golden/", List.of("README.md"))), List.of("libm.so.6"), "Advice");
        assertThatThrownBy(() -> BlasLibrary.find(wrong)).isInstanceOf(BlasNotFoundException.class)
                .hasMessageContaining("golden/README.md (cannot be opened), libm.so.6 (without cblas_sgemm)");
    }

    @Test
    void leavesNoFilesBehind() throws IOException {
        BlasPlatform platform = BlasPlatform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
        assumeTrue(TestBlas.exists() && platform.bundled().isPresent()
                && !System.getProperty("os.name").startsWith("Windows"), "Windows deletes at a later start");
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        Path leftover = Files.createTempDirectory("chai-blas-");
        Files.createFile(leftover.resolve("libopenblas.dll"));
        Path inUse = Files.createTempDirectory("chai-blas-");
        try {
            Files.setLastModifiedTime(leftover, FileTime.from(Instant.now().minus(Duration.ofDays(2))));

            assertThat(platform.bundled().orElseThrow().load()).isPresent();

            try (Stream<Path> files = Files.list(temporary)) {
                assertThat(files.filter(file -> file.getFileName().toString().startsWith("chai-blas-")))
                        .contains(inUse).doesNotContain(leftover).hasSize(1);
            }
        } finally {
            Files.delete(inUse);
        }
    }
}
