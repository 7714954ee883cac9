// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tiny;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/**
 * The least application there is, in a package of its own: its component scan must not find the tests' configurations.
 */
@SpringBootApplication
public class TinyApplication {

    /** Runs the application. */
    public static void main(String[] args) {
        SpringApplication.run(TinyApplication.class, args);
    }
}
