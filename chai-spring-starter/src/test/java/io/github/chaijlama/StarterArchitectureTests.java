// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

/** Who may know whom. */
@AnalyzeClasses(packages = { "io.github.chaijlama.langchain4j", "io.github.chaijlama.openai",
        "io.github.chaijlama.spring", "io.github.chaijlama.operation" },
        importOptions = ImportOption.DoNotIncludeTests.class)
class StarterArchitectureTests {

    @ArchTest
    static final ArchRule MODELS_KNOW_NO_SPRING = noClasses().that()
            .resideInAPackage("io.github.chaijlama.langchain4j..").should().dependOnClassesThat()
            .resideInAnyPackage("org.springframework..", "io.github.chaijlama.openai..",
                    "io.github.chaijlama.spring..", "io.github.chaijlama.operation..");

    @ArchTest
    static final ArchRule MODELS_START_WITHOUT_WHAT_WATCHES_THEM = noClasses().that()
            .resideInAPackage("io.github.chaijlama.spring..").should().dependOnClassesThat()
            .resideInAnyPackage("io.github.chaijlama.operation..", "io.micrometer..", "io.prometheus..");

    @ArchTest
    static final ArchRule MODELS_START_WITHOUT_A_WEB_APPLICATION = noClasses().that()
            .resideInAPackage("io.github.chaijlama.spring..").should().dependOnClassesThat()
            .resideInAnyPackage("io.github.chaijlama.openai..", "org.springframework.web..", "jakarta.servlet..");

    @ArchTest
    static final ArchRule NOBODY_KNOWS_JLAMA_ITSELF = noClasses().should().dependOnClassesThat()
            .resideInAnyPackage("com.github.tjake..", "ai.djl..", "com.hubspot..");

    @ArchTest
    static final ArchRule NOBODY_USES_INTERNALS_OF_LANGCHAIN4J = noClasses().should().dependOnClassesThat()
            .resideInAnyPackage("dev.langchain4j.internal..");

    @ArchTest
    static final ArchRule NOBODY_KNOWS_THE_COMMAND = noClasses().should().dependOnClassesThat()
            .resideInAnyPackage("io.github.chaijlama.cli..", "io.github.chaijlama.bench..",
                    "io.github.chaijlama.report..", "io.github.chaijlama.launcher..");
}
