// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class VectorCapabilitiesTests {

    @Test
    void avx512MachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(512, true, true, null))
                .isEqualTo(new VectorCapabilities.Choice(512, null));
    }

    @Test
    void armMachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(128, true, true, null).bits()).isEqualTo(128);
    }

    @Test
    void machineWithoutFusedMultiplyAddIsScalarAndSaysWhy() {
        assertThat(VectorCapabilities.choose(256, true, false, null).bits()).isZero();
        assertThat(VectorCapabilities.choose(256, true, false, null).reason()).contains("fused multiply-add");
    }

    @Test
    void machineWithoutUsefulVectorsIsScalarAndSaysWhy() {
        assertThat(VectorCapabilities.choose(64, true, true, null).bits()).isZero();
        assertThat(VectorCapabilities.choose(64, true, true, null).reason()).contains("64 bits");
        assertThat(VectorCapabilities.choose(64, true, true, "256").bits()).as("cannot be asked for either").isZero();
    }

    @Test
    void jvmWithoutItsOptimizingCompilerIsScalarAndSaysWhy() {
        assertThat(VectorCapabilities.choose(512, false, true, null).bits()).isZero();
        assertThat(VectorCapabilities.choose(512, false, true, null).reason()).contains("C2", "optimizedLaunch");
        assertThat(VectorCapabilities.choose(512, false, true, "512").bits()).as("cannot be asked for either").isZero();
    }

    @Test
    void thisJvmHasItsOptimizingCompiler() {
        assertThat(String.valueOf(VectorCapabilities.ofThisMachine().reason())).doesNotContain("C2");
    }

    /** What IDEs and Spring Boot's Maven plugin start Java with, to have it start sooner. */
    @ParameterizedTest
    @ValueSource(strings = { "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=3", "-Xint" })
    void jvmsStartedWithoutTheCompilerAreNoticed(String option) throws Exception {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), option,
                "--add-modules", "jdk.incubator.vector", "-cp", System.getProperty("java.class.path"),
                PrintsItsChoice.class.getName()).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        assertThat(printed).contains("bits=0").contains("C2");
    }

    static final class PrintsItsChoice {
        public static void main(String[] arguments) {
            System.out.println(VectorCapabilities.ofThisMachine());
        }
    }

    @Test
    void widerMachinesUseTheWidestThatIsTested() {
        assertThat(VectorCapabilities.choose(2048, true, true, null))
                .isEqualTo(new VectorCapabilities.Choice(512, null));
    }

    @Test
    void requestedWidthIsTaken() {
        assertThat(VectorCapabilities.choose(512, true, true, "256").bits()).isEqualTo(256);
        assertThat(VectorCapabilities.choose(512, true, true, "0").bits()).isZero();
    }

    @Test
    void requestedWidthBeyondTheMachineIsCutAndSaysSo() {
        assertThat(VectorCapabilities.choose(256, true, true, "512").bits()).isEqualTo(256);
        assertThat(VectorCapabilities.choose(256, true, true, "512").reason()).contains("wider than the machine's 256");
    }

    @Test
    void nonsenseIsNamedAndTheMachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(256, true, true, "wide")).isEqualTo(new VectorCapabilities.Choice(256,
                "chai.kernel.vectorBits must be 0, 128, 256 or 512, found 'wide'"));
        assertThat(VectorCapabilities.choose(256, true, false, "wide").bits()).isZero();
    }
}
