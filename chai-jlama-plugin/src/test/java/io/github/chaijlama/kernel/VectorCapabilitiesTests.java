// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class VectorCapabilitiesTests {

    @Test
    void avx512MachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(512, true, null)).isEqualTo(new VectorCapabilities.Choice(512, null));
    }

    @Test
    void armMachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(128, true, null).bits()).isEqualTo(128);
    }

    @Test
    void machineWithoutFusedMultiplyAddIsScalarAndSaysWhy() {
        assertThat(VectorCapabilities.choose(256, false, null).bits()).isZero();
        assertThat(VectorCapabilities.choose(256, false, null).reason()).contains("fused multiply-add");
    }

    @Test
    void machineWithoutUsefulVectorsIsScalarAndSaysWhy() {
        assertThat(VectorCapabilities.choose(64, true, null).bits()).isZero();
        assertThat(VectorCapabilities.choose(64, true, null).reason()).contains("64 bits").contains("C2");
        assertThat(VectorCapabilities.choose(64, true, "256").bits()).as("cannot be asked for either").isZero();
    }

    @Test
    void widerMachinesUseTheWidestThatIsTested() {
        assertThat(VectorCapabilities.choose(2048, true, null)).isEqualTo(new VectorCapabilities.Choice(512, null));
    }

    @Test
    void requestedWidthIsTaken() {
        assertThat(VectorCapabilities.choose(512, true, "256").bits()).isEqualTo(256);
        assertThat(VectorCapabilities.choose(512, true, "0").bits()).isZero();
    }

    @Test
    void requestedWidthBeyondTheMachineIsCutAndSaysSo() {
        assertThat(VectorCapabilities.choose(256, true, "512").bits()).isEqualTo(256);
        assertThat(VectorCapabilities.choose(256, true, "512").reason()).contains("wider than the machine's 256");
    }

    @Test
    void nonsenseIsNamedAndTheMachineUsesItsWidth() {
        assertThat(VectorCapabilities.choose(256, true, "wide")).isEqualTo(new VectorCapabilities.Choice(256,
                "chai.kernel.vectorBits must be 0, 128, 256 or 512, found 'wide'"));
        assertThat(VectorCapabilities.choose(256, false, "wide").bits()).isZero();
    }
}
