// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.operation.ChaiDriftGuards;
import io.github.chaijlama.operation.DriftFigures;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static com.microsoft.playwright.assertions.PlaywrightAssertions.setDefaultAssertionTimeout;
import static org.assertj.core.api.Assertions.assertThat;

/** The page in a real browser: a newcomer's first minute, and what may come between. Pictures are in target/page. */
@Timeout(600)
class PageTests {
    private static final String STORY = "Tell me a story about a fox named Ruby.";
    private static final Pattern GREETING = Pattern.compile("^(Hi|Hello)");

    private static final int TIMEOUT_MILLIS = 120_000;

    @TempDir
    private static Path directory;
    private static RunningSample sample;
    private static Chromium chromium;

    private final List<String> mistakes = new ArrayList<>();
    private final List<BrowserContext> contexts = new ArrayList<>();

    @BeforeAll
    static void start() {
        chromium = Chromium.launch();
        setDefaultAssertionTimeout(TIMEOUT_MILLIS);
        sample = startSample(0);
    }

    private static RunningSample startSample(int port) {
        return RunningSample.start(List.of(SampleApplication.class, HeldStreams.class), "--server.port=" + port,
                "--sample.conversations.store=" + directory.resolve("conversations"));
    }

    @AfterAll
    static void stop() {
        if (sample != null) {
            sample.close();
        }
        if (chromium != null) {
            chromium.close();
        }
    }

    @AfterEach
    void nothingWentWrongInThePage() {
        HeldStreams.beforeToken = () -> {};
        contexts.forEach(BrowserContext::close);
        assertThat(mistakes).isEmpty();
    }

    private BrowserContext context(boolean phone, ColorScheme colors) {
        BrowserContext context = chromium.browser().newContext(new com.microsoft.playwright.Browser.NewContextOptions()
                .setViewportSize(phone ? 390 : 1280, phone ? 844 : 800).setColorScheme(colors)
                .setReducedMotion(ReducedMotion.REDUCE));
        context.setDefaultTimeout(TIMEOUT_MILLIS);
        contexts.add(context);
        return context;
    }

    private Page open(BrowserContext context, int port) {
        Page page = context.newPage();
        page.onPageError(mistakes::add);
        page.onConsoleMessage(message -> {
            if (message.text().contains("Content Security Policy")) {
                mistakes.add(message.text());
            }
        });
        page.navigate("http://localhost:" + port + "/");
        assertThat(page.locator("#running")).hasText("0"); // everything is loaded
        return page;
    }

    private Page open() {
        return open(context(false, ColorScheme.LIGHT), sample.port());
    }

    private static Locator answers(Page page) {
        return page.locator("#messages .model .bubble");
    }

    /** Asks as people do, and waits for the end of the answer. */
    private static String ask(Page page, String question) {
        int before = answers(page).count();
        page.locator("#message").fill(question);
        page.locator("#message").press("Enter");
        assertThat(answers(page)).hasCount(before + 1);
        assertThat(page.locator("#send")).isVisible();
        return answers(page).last().textContent();
    }

    private static void checkAccessibility(Page page, String where) {
        assertThat(new AxeBuilder(page).analyze().getViolations()).as(where)
                .extracting(violation -> violation.getId() + ": " + violation.getNodes()).isEmpty();
    }

    private static void picture(Page page, String name) {
        page.screenshot(new Page.ScreenshotOptions().setPath(Path.of("target/page", name + ".png")));
    }

    private static void view(Page page, String name) {
        page.locator(".views").getByText(name).click();
    }

    /** Returns what the guard has found when it has nothing left to compare. */
    private static DriftFigures settledDrift() throws InterruptedException {
        ChaiDriftGuards guards = sample.application().getBean(ChaiDriftGuards.class);
        DriftFigures before;
        DriftFigures now = guards.figures().get("pocket");
        do {
            before = now;
            TimeUnit.SECONDS.sleep(1);
            now = guards.figures().get("pocket");
        } while (now.checked() == 0 || !now.equals(before));
        return now;
    }

    @Test
    void theFirstMinute() throws Exception {
        Page page = open();
        assertThat(page.locator("h1")).hasText("Chat with Pocket");
        assertThat(ask(page, "Hi")).containsPattern(GREETING);
        page.locator("#suggestions").getByText(STORY).click();
        assertThat(page.locator("#suggestions")).containsText("Who helped Ruby?");
        assertThat(answers(page).last()).containsText("Ruby");
        assertThat(page.locator("#messages .took").last()).containsText("clustered attention");
        assertThat(page.locator("#bars")).containsText("% less");
        picture(page, "chat");

        page.locator("#chai").press("Space");
        assertThat(ask(page, "Who helped Ruby?")).contains("Ruby");
        assertThat(page.locator("#messages .took").last()).containsText("exact attention");
        assertThat(page.locator("#attention")).hasText("exact");
        assertThat(page.locator("#conversations .open")).hasText("Hi");
        checkAccessibility(page, "chat");

        DriftFigures drift = settledDrift();
        assertThat(page.locator("#drift-checked")).hasText(String.format(Locale.ROOT, "%,d", drift.checked()));
        assertThat(page.locator("#drift-kl")).hasText(String.format(Locale.ROOT, "%.4f", drift.meanKl()));
        assertThat(page.locator("#drift-agreement"))
                .hasText(String.format(Locale.ROOT, "%.1f", 100 * drift.agreement()));
        assertThat(page.locator("#drift-last")).hasText(Pattern.compile("^(just now|[0-9]+ (s|min) ago)$"));
        assertThat(page.locator("#drift-says"))
                .containsText((drift.meanKl() > 0.02 ? "Beyond" : "Within") + " the bound of 0.02 nats");

        view(page, "Compare");
        page.locator("#compare-start").click();
        assertThat(page.locator("#measures")).containsText("Bytes of keys and values");
        assertThat(page.locator("#measures tr").last()).containsText(Pattern.compile("−[1-9][0-9.]* %"));
        String exact = page.locator("#exact-text").textContent();
        String clustered = page.locator("#clustered-text").textContent();
        assertThat(page.locator("#compare mark").count() > 0).as("differing words are marked")
                .isEqualTo(!exact.equals(clustered));
        assertThat(page.locator("#verdict"))
                .containsText(exact.equals(clustered) ? "the same, word for word" : "The answers differ");
        checkAccessibility(page, "compare");
        picture(page, "compare");

        view(page, "Clusters");
        assertThat(page.locator(".layer")).hasCount(6);
        page.locator(".tile[tabindex='0']").focus();
        assertThat(page.locator("#head")).containsText("whose attention it takes");
        String first = page.locator("#head h3").textContent();
        page.keyboard().press("ArrowDown");
        assertThat(page.locator("#head h3")).not().hasText(first);
        checkAccessibility(page, "clusters");
        picture(page, "clusters");
    }

    @Test
    void onAPhoneInTheDark() {
        Page page = open(context(true, ColorScheme.DARK), sample.port());
        ask(page, STORY);
        assertThat(page.evaluate("document.documentElement.scrollWidth")).as("nothing is wider than the screen")
                .isEqualTo(390);
        picture(page, "phone-chat");
        page.locator("#show-panel").click();
        assertThat(page.locator("#temperature")).isVisible();
        checkAccessibility(page, "settings on a phone in the dark");
        picture(page, "phone-settings");
        page.keyboard().press("Escape");
        assertThat(page.locator("#temperature")).isHidden();
        assertThat(page.locator("#show-panel")).isFocused();
        for (String name : List.of("Compare", "Clusters")) {
            view(page, name);
            assertThat(page.locator("h2:visible").first()).isVisible();
            assertThat(page.evaluate("document.documentElement.scrollWidth")).as(name).isEqualTo(390);
            checkAccessibility(page, name + " on a phone in the dark");
        }
    }

    /** Answers requests for figures in the application's place. */
    private static void showFigures(Page page, String drift) {
        page.route("**/api/figures",
                route -> route.fulfill(new Route.FulfillOptions().setContentType("application/json")
                        .setBody(
                                "{\"running\": 7, \"waiting\": 0, \"kvCacheBytes\": 0, \"kvCacheLimit\": 1, \"drift\": "
                                        + drift + "}")));
        assertThat(page.locator("#running")).hasText("7");
    }

    @Test
    void comparisonsWithExactAttentionAreShownWhereTheyAreMade() {
        Page page = open();
        assertThat(page.locator("#drift")).isVisible();
        showFigures(page, "null");
        assertThat(page.locator("#drift")).isHidden();

        Page other = open();
        showFigures(other, "{\"checked\": 0, \"meanKl\": null, \"agreement\": null, \"maxKl\": 0.02, "
                + "\"secondsAgo\": null}");
        assertThat(other.locator("#drift-says")).containsText("Nothing was compared yet");
        assertThat(other.locator("#drift-kl")).hasText("–");

        Page beyond = open(context(false, ColorScheme.DARK), sample.port());
        showFigures(beyond, "{\"checked\": 1234, \"meanKl\": 0.5, \"agreement\": 0.25, \"maxKl\": 0.02, "
                + "\"secondsAgo\": 150}");
        assertThat(beyond.locator("#drift-says")).containsText("Beyond the bound of 0.02 nats");
        assertThat(beyond.locator("#drift-agreement")).hasText("25.0");
        assertThat(beyond.locator("#drift-checked")).hasText("1,234");
        assertThat(beyond.locator("#drift-last")).hasText("3 min ago");
        beyond.locator("#drift summary").click();
        checkAccessibility(beyond, "far from exact attention, in the dark");
        picture(beyond, "drift");
    }

    @Test
    void whatIsSaidIsTextAndNoMarkup() {
        Page page = open();
        String markup = "<img src=x onerror=\"document.title='owned'\"><b>Hi</b>";
        ask(page, markup);
        assertThat(page.locator("#messages .user .bubble")).hasText(markup);
        assertThat(page.locator("#messages img, #messages b, #conversations b")).hasCount(0);
        assertThat(page).hasTitle("Chat with Pocket");
    }

    @Test
    void anAnswerIsStoppedAndTheConversationDeleted() throws Exception {
        Page page = open();
        ask(page, "Hi");
        CountDownLatch goOn = new CountDownLatch(1);
        HeldStreams.beforeToken = () -> awaitOrFail(goOn);
        page.locator("#message").fill(STORY);
        page.locator("#send").click();
        page.locator("#stop").click();
        goOn.countDown();
        assertThat(page.locator("#messages .took").last()).hasText("Stopped; not remembered.");
        assertThat(page.locator("#send")).isVisible();

        Page stranger = open();
        assertThat(stranger.locator("#conversations .open")).hasCount(0);
        page.getByLabel("Delete Hi").click();
        page.locator("#delete-yes").click();
        assertThat(page.locator("#conversations .open")).hasCount(0);
        assertThat(page.locator("#messages li")).hasCount(0);
    }

    private static void awaitOrFail(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aConnectionDropsAndTheApplicationStartsAnewInTheMiddleOfAConversation() throws Exception {
        int port = sample.port();
        try (BreakableConnection connection = new BreakableConnection(port)) {
            Page page = open(context(false, ColorScheme.LIGHT), connection.port());
            ask(page, STORY);
            CountDownLatch answering = new CountDownLatch(2);
            CountDownLatch goOn = new CountDownLatch(1);
            HeldStreams.beforeToken = () -> {
                answering.countDown();
                if (answering.getCount() == 0) {
                    awaitOrFail(goOn);
                }
            };
            page.locator("#message").fill("Who helped Ruby?");
            page.locator("#message").press("Enter");
            awaitOrFail(answering);
            // Before anything of it has come, a browser asks once more by itself.
            assertThat(answers(page).last()).not().isEmpty();
            connection.cutAndWait();
            goOn.countDown();
            assertThat(page.locator("#messages .took").last()).containsText("The connection broke off.");

            sample.close();
            HeldStreams.beforeToken = () -> {};
            page.getByText("Ask again").click();
            assertThat(answers(page).last()).containsText("cannot be reached");
            sample = startSample(port);
            page.getByText("Ask again").click();
            assertThat(answers(page).last()).containsText("helped Ruby");
            assertThat(page.locator("#send")).isVisible();

            page.reload();
            assertThat(page.locator("#messages li")).hasCount(4);
            assertThat(page.locator("#messages li").first()).containsText(STORY);
        }
    }
}
