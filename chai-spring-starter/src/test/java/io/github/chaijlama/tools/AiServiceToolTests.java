// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tools;

import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.memory.ChatMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

import io.github.chaijlama.Pocket;

import static org.assertj.core.api.Assertions.assertThat;

/** A bean with tools, called by the model through {@code @AiService}. */
@Timeout(120)
class AiServiceToolTests {

    @Test
    void theModelCallsTheBeanAndAnswersWithWhatItSays() {
        try (ConfigurableApplicationContext context = new SpringApplicationBuilder(ToolApplication.class)
                .web(WebApplicationType.NONE).run("--chai.model.path=" + Pocket.MODEL,
                        "--chai.profile=" + Pocket.PROFILE, "--chai.chat.max-output-tokens=60")) {
            assertThat(context.getBean(ToolApplication.Guide.class).ask("What is the weather at the river?"))
                    .contains("sunny");

            assertThat(context.getBean(ToolApplication.WeatherStation.class).asked).containsExactly("river");
            assertThat(context.getBean(ChatMemory.class).messages())
                    .hasAtLeastOneElementOfType(ToolExecutionResultMessage.class);
        }
    }
}
