// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.management.ManagementFactory;

import com.sun.management.HotSpotDiagnosticMXBean;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Decides how wide the vector kernels are on this machine. The decision is a pure function of what the machine offers
 * and what the user asked for, so that other machines can be tested on this one.
 */
final class VectorCapabilities {
    /** The widest vectors the kernels are tested with. */
    private static final int WIDEST = 512;
    private static final int NARROWEST = 128;
    private static final int LEVEL_OF_C2 = 4;
    /** System property: the vector width of the kernels in bits; 0 chooses the scalar kernels. */
    static final String WIDTH_PROPERTY = "chai.kernel.vectorBits";

    private VectorCapabilities() {}

    /**
     * What was chosen, and why.
     *
     * @param bits   width of a vector, 0 for the scalar kernels
     * @param reason for the log, absent where nothing stands in the way of the machine's own width
     */
    record Choice(int bits, @Nullable String reason) {}

    /**
     * Chooses a width.
     *
     * @param preferredBits the width the JVM prefers for floats on this machine
     * @param optimizes     whether the JVM compiles with C2; without it every vector is an object, whatever width
     *                      the JVM prefers, and the scalar kernels are many times faster
     * @param fastFma       whether the machine multiplies and adds in one instruction; without it {@code fma} is an
     *                      exact emulation that is slower than the scalar loop
     * @param requested     the value of {@value #WIDTH_PROPERTY}, absent where it is not set
     */
    static Choice choose(int preferredBits, boolean optimizes, boolean fastFma, @Nullable String requested) {
        if (!optimizes) {
            return new Choice(0, "the JVM's C2 compiler is off, and with it all that makes vectors fast: start Java "
                    + "without -XX:TieredStopAtLevel and -Xint (spring-boot:run with optimizedLaunch set to false; in "
                    + "IDEs without launch optimization)");
        }
        if (preferredBits < NARROWEST) {
            return new Choice(0, "this JVM's vectors have " + preferredBits + " bits, at least " + NARROWEST
                    + " are needed");
        }
        int machine = Math.min(preferredBits, WIDEST);
        if (requested != null) {
            return requested(machine, fastFma, requested);
        }
        return ofMachine(machine, fastFma, null);
    }

    private static Choice ofMachine(int machine, boolean fastFma, @Nullable String reason) {
        return fastFma ? new Choice(machine, reason) : new Choice(0, "the machine has no fused multiply-add");
    }

    /** A slip in a tuning property should cost a warning, not the application's start. */
    private static Choice requested(int machine, boolean fastFma, String requested) {
        int bits = switch (requested) {
            case "0" -> 0;
            case "128" -> 128;
            case "256" -> 256;
            case "512" -> 512;
            default -> -1;
        };
        if (bits < 0) {
            return ofMachine(machine, fastFma,
                    WIDTH_PROPERTY + " must be 0, 128, 256 or 512, found '" + requested + "'");
        }
        return bits > machine
                ? ofMachine(machine, fastFma, WIDTH_PROPERTY + "=" + bits + " is wider than the machine's " + machine)
                : new Choice(bits, WIDTH_PROPERTY + "=" + bits);
    }

    /** Returns the choice for this machine. */
    static Choice ofThisMachine() {
        return choose(FloatVector.SPECIES_PREFERRED.vectorBitSize(), hasC2(), hasFastFma(),
                System.getProperty(WIDTH_PROPERTY));
    }

    static int selectedBits() {
        return ofThisMachine().bits();
    }

    static VectorSpecies<Float> speciesOf(int bits) {
        return VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
    }

    /** Asks HotSpot whether it compiles with C2; other JVMs are assumed to have something as good. */
    private static boolean hasC2() {
        // What -Xint, -XX:TieredStopAtLevel=1 and -XX:CompilationMode=quick-only make of it.
        String mode = System.getProperty("java.vm.info", "");
        return !mode.contains("interpreted mode") && !mode.contains("emulated-client")
                && Integer.parseInt(hotSpotOption("TieredStopAtLevel", "4")) >= LEVEL_OF_C2;
    }

    /** Asks HotSpot whether it may use fused multiply-add; other JVMs are assumed to know their machine. */
    private static boolean hasFastFma() {
        return Boolean.parseBoolean(hotSpotOption("UseFMA", "true"));
    }

    /** Returns an option's value, or another one where the JVM does not know the option. */
    private static String hotSpotOption(String name, String otherwise) {
        HotSpotDiagnosticMXBean hotSpot = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        if (hotSpot == null) {
            return otherwise;
        }
        try {
            return hotSpot.getVMOption(name).getValue();
        } catch (IllegalArgumentException _) {
            return otherwise;
        }
    }
}
