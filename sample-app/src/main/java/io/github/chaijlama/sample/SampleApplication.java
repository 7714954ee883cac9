// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.InstantSource;
import java.util.List;
import javax.sql.DataSource;

import dev.langchain4j.model.TokenCountEstimator;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.langchain4j.ChaiEngine;

/** Starts the sample. */
@SpringBootApplication
@EnableScheduling
@EnableConfigurationProperties(Conversations.Settings.class)
public class SampleApplication {
    /** The share of the context that a question and the memory may fill; the rest is for the answer. */
    private static final double MEMORY_SHARE = 0.6;

    /** Runs the application. */
    public static void main(String[] args) {
        SpringApplication.run(SampleApplication.class, args);
    }

    @Bean
    ConversationDatabase conversationDatabase(Conversations.Settings settings) {
        return ConversationDatabase.open(settings.store(), settings.user(), settings.password());
    }

    @Bean(destroyMethod = "") // closed by what opened it
    DataSource dataSource(ConversationDatabase database) {
        return database.dataSource();
    }

    @Bean
    ConversationStore conversationStore(ConversationDatabase database, Conversations.Settings settings) {
        return new ConversationStore(database.dataSource(), settings.expireAfter(), InstantSource.system());
    }

    @Bean
    Conversations conversations(ChaiEngine engine, TokenCountEstimator tokens, ConversationStore store,
            Conversations.Settings settings) {
        int contextLength = engine.textModel().tokenModel().config().contextLength();
        return new Conversations((int) (contextLength * MEMORY_SHARE), tokens, store, settings);
    }

    @Bean
    BackgroundRuns backgroundRuns() {
        return new BackgroundRuns();
    }

    @Bean
    FilterRegistrationBean<SecurityHeadersFilter> securityHeaders() {
        FilterRegistrationBean<SecurityHeadersFilter> filter = new FilterRegistrationBean<>(
                new SecurityHeadersFilter());
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return filter;
    }

    /** Only while other machines cannot get in: where they can, whoever lets them knows its names. */
    @Bean
    FilterRegistrationBean<HostFilter> hosts(ServerProperties server,
            @Value("${sample.allowed-hosts:}") List<String> allowed) {
        FilterRegistrationBean<HostFilter> filter = new FilterRegistrationBean<>(new HostFilter(allowed));
        filter.setEnabled(server.getAddress() != null && server.getAddress().isLoopbackAddress());
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE + 1);
        return filter;
    }

    @Bean
    FilterRegistrationBean<RequestSizeFilter> requestSize(@Value("${sample.max-request-size:256KB}") DataSize most) {
        FilterRegistrationBean<RequestSizeFilter> filter = new FilterRegistrationBean<>(new RequestSizeFilter(most));
        filter.addUrlPatterns("/api/*");
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE + 2);
        return filter;
    }
}
