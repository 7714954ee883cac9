// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.stream.Stream;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameStartingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/** Who may know whom. */
@AnalyzeClasses(packages = "io.github.chaijlama", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTests {
    private static final String ROOT = "io.github.chaijlama";
    /** The command and what only it uses. */
    private static final String[] COMMAND_ONLY = { ROOT + ".cli..", ROOT + ".bench..", ROOT + ".report..",
            ROOT + ".launcher.." };

    @ArchTest
    static final ArchRule ONLY_VECTOR_KERNELS_NAME_THE_INCUBATOR = noClasses()
            .that(not(resideInAnyPackage(ROOT + ".kernel", ROOT + ".product", ROOT + ".bench")
                    .and(simpleNameStartingWith("Vector"))))
            .should()
            .dependOnClassesThat().resideInAPackage("jdk.incubator..");

    @ArchTest
    static final ArchRule PLUGIN_KNOWS_NEITHER_SPRING_NOR_LANGCHAIN4J = noClasses().should().dependOnClassesThat()
            .resideInAnyPackage("org.springframework..", "dev.langchain4j..");

    @ArchTest
    static final ArchRule JLAMA_IS_KNOWN_IN_ONE_PACKAGE = noClasses().that().resideOutsideOfPackage(ROOT + ".jlama")
            .should().dependOnClassesThat().resideInAPackage("com.github.tjake..");

    @ArchTest
    static final ArchRule REFLECTION_ON_JLAMA_IS_IN_ONE_PLACE = noClasses().that()
            .doNotHaveSimpleName("JlamaAccess").and().doNotHaveSimpleName("MemberFinder").and()
            .resideOutsideOfPackage(ROOT + ".launcher").should()
            .dependOnClassesThat(resideInAnyPackage("java.lang.invoke", "java.lang.reflect")
                    // Fences, and functions of C; nothing finds a member with one of these alone.
                    .and(not(equivalentTo(VarHandle.class))).and(not(equivalentTo(MethodHandle.class))))
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule TOKENIZER_IS_KNOWN_WHERE_TEXT_IS = noClasses().that()
            .resideOutsideOfPackage(ROOT + ".generate").should().dependOnClassesThat().resideInAnyPackage("ai.djl..");

    @ArchTest
    static final ArchRule JINJAVA_IS_KNOWN_IN_ONE_PACKAGE = noClasses().that()
            .resideOutsideOfPackage(ROOT + ".template").should().dependOnClassesThat()
            .resideInAnyPackage("com.hubspot..", "jinjava..");

    /** Charts are text; the desktop's libraries are missing on many servers. */
    @ArchTest
    static final ArchRule NOBODY_NEEDS_A_DESKTOP = noClasses().should().dependOnClassesThat()
            .resideInAnyPackage("java.awt..", "javax.swing..", "javax.imageio..");

    @ArchTest
    static final ArchRule TEMPLATE_KNOWS_NOTHING = knowsOnly("template");

    @ArchTest
    static final ArchRule CONSTRAIN_KNOWS_NOTHING = knowsOnly("constrain");

    @ArchTest
    static final ArchRule TOOL_KNOWS_NOTHING = knowsOnly("tool");

    @ArchTest
    static final ArchRule NO_CYCLES = slices().matching(ROOT + ".(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule KV_KNOWS_NOTHING = knowsOnly("kv");

    @ArchTest
    static final ArchRule PARALLEL_KNOWS_NOTHING = knowsOnly("parallel");

    @ArchTest
    static final ArchRule BLAS_KNOWS_NOTHING = knowsOnly("blas");

    @ArchTest
    static final ArchRule CLUSTER_KNOWS_NOTHING = knowsOnly("cluster");

    @ArchTest
    static final ArchRule FILES_KNOWS_NOTHING = knowsOnly("files");

    /** Where a model comes from is no matter of what is done with it. */
    @ArchTest
    static final ArchRule HUB_KNOWS_FILES = knowsOnly("hub", "files", "model");

    /** What is in a directory contacts nobody. */
    @ArchTest
    static final ArchRule ONLY_THE_HUB_KNOWS_THE_NETWORK = noClasses().that()
            .resideOutsideOfPackage(ROOT + ".hub").should().dependOnClassesThat()
            .resideInAnyPackage("java.net.http..", "javax.net..");

    /** Who loads a model has its directory: the library downloads nothing that nobody asked it for by name. */
    @ArchTest
    static final ArchRule ONLY_THE_COMMAND_KNOWS_THE_HUB = noClasses().that()
            .resideOutsideOfPackages(ROOT + ".hub", ROOT + ".cli").should().dependOnClassesThat()
            .resideInAPackage(ROOT + ".hub");

    @ArchTest
    static final ArchRule PROFILE_KNOWS_CLUSTERS = knowsOnly("profile", "cluster", "files");

    /** The description of a model: no weights, no memory, no rows. */
    @ArchTest
    static final ArchRule MODEL_IS_A_DESCRIPTION = knowsOnly("model", "profile");

    @ArchTest
    static final ArchRule KERNEL_KNOWS_TYPES_OF_ROWS = knowsOnly("kernel", "kv", "model");

    @ArchTest
    static final ArchRule SAFETENSORS_ARE_FILES = knowsOnly("safetensors", "model");

    @ArchTest
    static final ArchRule WEIGHTS_COME_FROM_FILES = knowsOnly("weight", "safetensors", "model", "parallel");

    @ArchTest
    static final ArchRule QUANTIZE_WRITES_FILES = knowsOnly("quantize", "files", "model", "parallel", "safetensors",
            "weight");

    @ArchTest
    static final ArchRule PRODUCTS_ARE_OF_ROWS_AND_WEIGHTS = knowsOnly("product", "blas", "kernel", "parallel",
            "weight");

    @ArchTest
    static final ArchRule ATTENTION_KNOWS_NO_WEIGHTS = knowsOnly("attention", "kernel", "kv", "parallel", "cluster",
            "profile", "model");

    /** The forward pass: whoever multiplies, and wherever weights come from. */
    @ArchTest
    static final ArchRule DECODER_KNOWS_NO_JLAMA = knowsOnly("decoder", "attention", "product", "weight", "kernel",
            "kv", "parallel", "profile", "model");

    @ArchTest
    static final ArchRule JLAMA_IS_AN_ADAPTER = knowsOnly("jlama", "decoder", "attention", "product", "weight",
            "kernel", "kv", "parallel", "profile", "model");

    @ArchTest
    static final ArchRule EVALUATE_KNOWS_THE_FACE_AND_TEXT = classes().that().resideInAPackage(ROOT + ".evaluate")
            .should().onlyDependOnClassesThat(not(resideInAPackage(ROOT + "..")).or(resideInAnyPackage(ROOT,
                    ROOT + ".evaluate", ROOT + ".generate", ROOT + ".template", ROOT + ".tool",
                    ROOT + ".profile", ROOT + ".kv", ROOT + ".model")));

    @ArchTest
    static final ArchRule PREFIX_KNOWS_THE_FACE = classes().that().resideInAPackage(ROOT + ".prefix").should()
            .onlyDependOnClassesThat(not(resideInAPackage(ROOT + ".."))
                    .or(resideInAnyPackage(ROOT, ROOT + ".prefix", ROOT + ".kv", ROOT + ".model")));

    /** The scheduler knows tokens, steps and memory, and nothing of text. */
    @ArchTest
    static final ArchRule SCHEDULE_KNOWS_NO_TEXT = classes().that().resideInAPackage(ROOT + ".schedule").should()
            .onlyDependOnClassesThat(not(resideInAPackage(ROOT + "..")).or(resideInAnyPackage(ROOT, ROOT + ".schedule",
                    ROOT + ".prefix", ROOT + ".kv", ROOT + ".model")));

    /** Calibration works with models; of files and formats it knows only its own. */
    @ArchTest
    static final ArchRule NOBODY_BELOW_THE_COMMAND_KNOWS_CALIBRATION = noClasses().that()
            .resideOutsideOfPackages(ROOT + ".calibrate", ROOT + ".cli").should().dependOnClassesThat()
            .resideInAPackage(ROOT + ".calibrate");

    @ArchTest
    static final ArchRule REPORT_KNOWS_FILES = knowsOnly("report", "files");

    @ArchTest
    static final ArchRule LAUNCHER_KNOWS_NOTHING = knowsOnly("launcher");

    /** Whatever is below does not know the public face, and nobody but the command knows the command. */
    @ArchTest
    static final ArchRule COMMAND_IS_KNOWN_BY_NOBODY = noClasses().that().resideOutsideOfPackage(ROOT + ".cli").should()
            .dependOnClassesThat().resideInAnyPackage(ROOT + ".cli..", "picocli..");

    /**
     * Who uses the library reaches nothing that is for the command only, by no detour: what is outside does not even
     * begin to. {@link DependenciesTests} has the other half.
     */
    @ArchTest
    static final ArchRule LIBRARY_DOES_WITHOUT_WHAT_THE_COMMAND_NEEDS = noClasses().that()
            .resideOutsideOfPackages(COMMAND_ONLY).should().dependOnClassesThat()
            .resideInAnyPackage(Stream.concat(Stream.of(COMMAND_ONLY), Stream.of("picocli..", "org.slf4j.simple.."))
                    .toArray(String[]::new));

    @ArchTest
    static final ArchRule BENCHMARK_KNOWS_NO_REPORT = noClasses().that().resideInAPackage(ROOT + ".bench..").should()
            .dependOnClassesThat().resideInAPackage(ROOT + ".report..");

    /** A package depends, of ours, on itself and the named packages only. */
    private static ArchRule knowsOnly(String name, String... others) {
        String[] allowed = new String[others.length + 1];
        allowed[0] = ROOT + "." + name;
        for (int i = 0; i < others.length; i++) {
            allowed[i + 1] = ROOT + "." + others[i];
        }
        return classes().that().resideInAPackage(ROOT + "." + name).should().onlyDependOnClassesThat(
                not(resideInAPackage(ROOT + "..")).or(resideInAnyPackage(allowed)));
    }
}
