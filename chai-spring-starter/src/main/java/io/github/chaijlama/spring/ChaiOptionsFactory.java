// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ResourceUtils;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.MembershipChoice;
import io.github.chaijlama.calibrate.MembershipSettings;
import io.github.chaijlama.calibrate.QualityBudget;
import io.github.chaijlama.calibrate.Share;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ProfileException;
import io.github.chaijlama.schedule.SchedulerLimits;
import io.github.chaijlama.spring.ChaiProperties.Calibration.Mode;

/** Turns properties into options, and speaks of properties where their values are impossible. */
final class ChaiOptionsFactory {
    private static final Logger logger = LoggerFactory.getLogger(ChaiOptionsFactory.class);
    private static final ChaiProperties.Membership NO_MEMBERSHIP = new ChaiProperties.Membership(null, null, null,
            null);
    private static final double DEFAULT_MAX_PERPLEXITY_INCREASE = 0.01;

    private final ChaiProperties properties;
    private final ResourceLoader resourceLoader;

    ChaiOptionsFactory(ChaiProperties properties, ResourceLoader resourceLoader) {
        this.properties = properties;
        this.resourceLoader = resourceLoader;
    }

    /**
     * Returns what several models have together.
     *
     * @param properties those for all
     */
    static SharedResources shared(ChaiProperties properties) {
        ChaiOptions limits = withThreads(withMaxMemory(ChaiOptions.exact(), properties), properties);
        return new SharedResources(limits.threads(), limits.kvCacheMaxBytes());
    }

    ChaiOptions create() {
        AttentionMode attention = attention();
        checkMembership(attention);
        checkCalibration();
        ChaiOptions options = switch (attention) {
            case CLUSTERED -> needsCalibration() ? ChaiOptions.exact() : ChaiOptions.clustered(profile());
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        };
        checkWeights(attention);
        options = options.with(
                change -> change.weights(properties.model().weights()).operators(properties.operators())
                        .generationConfig(properties.model().generationConfig()));
        options = withMaxMemory(options, properties);
        int maxIdle = properties.kvCache().maxIdleSequences();
        require(maxIdle >= 0, "chai.kv-cache.max-idle-sequences", maxIdle, "Must be 0 or more.");
        options = options.with(change -> change.maxIdleSequences(properties.kvCache().reuse() ? maxIdle : 0));
        KvType type = properties.kvCache().type();
        require(attention != AttentionMode.STOCK || type == KvType.F32, "chai.kv-cache.type", type,
                "Jlama's own attention, which chai.attention asks for, stores keys and values as f32.");
        options = options.with(change -> change.kvCacheType(type));
        return withThreads(options, properties);
    }

    private static ChaiOptions withMaxMemory(ChaiOptions options, ChaiProperties properties) {
        DataSize maxMemory = properties.kvCache().maxMemory();
        if (maxMemory == null) {
            return options;
        }
        require(maxMemory.toBytes() > 0, "chai.kv-cache.max-memory", maxMemory, "Must be more than 0.");
        return options.with(change -> change.kvCacheMaxBytes(maxMemory.toBytes()));
    }

    private static ChaiOptions withThreads(ChaiOptions options, ChaiProperties properties) {
        Integer threads = properties.threads();
        if (threads == null) {
            return options;
        }
        require(threads > 0 && threads <= ChaiOptions.MAX_THREADS, "chai.threads", threads,
                "Must be 1 to " + ChaiOptions.MAX_THREADS + ".");
        return options.with(change -> change.threads(threads));
    }

    /** Returns what the scheduler takes on. */
    SchedulerLimits limits() {
        ChaiProperties.Scheduler settings = properties.scheduler();
        require(settings.maxConcurrent() > 0, "chai.scheduler.max-concurrent", settings.maxConcurrent(),
                "Must be at least 1 request.");
        require(settings.maxWaiting() >= 0, "chai.scheduler.max-waiting", settings.maxWaiting(), "Must be 0 or more.");
        Integer maxPromptTokens = settings.maxPromptTokens();
        require(maxPromptTokens == null || maxPromptTokens > 0, "chai.scheduler.max-prompt-tokens", maxPromptTokens,
                "Must be at least 1 token.");
        Duration timeLimit = settings.timeLimit();
        require(timeLimit == null
                || timeLimit.isPositive() && timeLimit.compareTo(SchedulerLimits.MAX_TIME_LIMIT) <= 0,
                "chai.scheduler.time-limit", timeLimit, "Must be more than 0 and at most 36500 days.");
        require(settings.maxStepTokens() > 0, "chai.scheduler.max-step-tokens", settings.maxStepTokens(),
                "Must be at least 1 token.");
        require(settings.maxSliceTokens() > 0, "chai.scheduler.max-slice-tokens", settings.maxSliceTokens(),
                "Must be at least 1 token.");
        return new SchedulerLimits(settings.maxConcurrent(), settings.maxWaiting(),
                Optional.ofNullable(maxPromptTokens), Optional.ofNullable(timeLimit), settings.maxStepTokens(),
                settings.maxSliceTokens());
    }

    private void checkWeights(AttentionMode attention) {
        WeightType weights = properties.model().weights();
        require(weights != WeightType.Q8 || attention != AttentionMode.STOCK, "chai.model.weights", weights,
                "Jlama's own layers, which chai.attention asks for, cannot multiply with it.");
        require(weights != WeightType.Q8 || properties.operators() != Operators.JLAMA, "chai.model.weights", weights,
                "Jlama's operators, which chai.operators asks for, cannot multiply with it.");
    }

    /** {@code chai.enabled: false} means exact attention and wins over {@code chai.attention}. */
    private AttentionMode attention() {
        if (!properties.enabled()) {
            return AttentionMode.EXACT;
        }
        if (properties.attention() != null) {
            return properties.attention();
        }
        return isProfileSet() || isCalibrationOn() ? AttentionMode.CLUSTERED : AttentionMode.EXACT;
    }

    /** Returns whether the model's profile is to be found or made, see {@link #calibration()}. */
    boolean needsCalibration() {
        return attention() == AttentionMode.CLUSTERED && !isProfileSet() && isCalibrationOn();
    }

    /** Returns options for clustered attention with a profile that was found or made. */
    ChaiOptions clustered(ChaiOptions options, ClusterProfile profile) {
        return options.with(change -> change.profile(withMembership(profile)).attention(AttentionMode.CLUSTERED));
    }

    /** Returns how to find or to make the model's profile. */
    StartupCalibration calibration() {
        ChaiProperties.Calibration settings = properties.calibration();
        CalibrationOptions options = new CalibrationOptions(membershipChoice(), settings.samples(),
                Math.max(settings.samples(), CalibrationOptions.MIN_HELD_OUT_WITHIN_BUDGET),
                CalibrationOptions.DEFAULT_SEED, CalibrationOptions.DEFAULT_MAX_RESIDUAL,
                Optional.of(budget(settings)), CalibrationOptions.DEFAULT_MAX_MEASUREMENTS, false);
        return new StartupCalibration(profileDirectory(settings.profileDirectory()),
                settings.mode() == Mode.ALWAYS,
                text(settings.texts()).map(this::resource).orElseGet(StartupCalibration::ownTexts),
                settings.maxTokens(), settings.answerGuard(), options);
    }

    /** Who says how sequences find their clusters wants them to. */
    private MembershipChoice membershipChoice() {
        ChaiProperties.Membership membership = properties.membership();
        MembershipSettings settings = new MembershipSettings(Optional.ofNullable(membership.window()),
                Optional.ofNullable(membership.offset()), Optional.ofNullable(membership.algorithm()),
                Optional.ofNullable(membership.representative()), Optional.empty());
        return settings.choose(
                membership.equals(NO_MEMBERSHIP) ? MembershipChoice.Kind.STATIC : MembershipChoice.Kind.ONLINE, true);
    }

    private static QualityBudget budget(ChaiProperties.Calibration settings) {
        if (settings.maxKl() != null) {
            return new QualityBudget(QualityBudget.Measure.DIVERGENCE, settings.maxKl(), settings.save());
        }
        String increase = settings.maxPerplexityIncrease();
        return new QualityBudget(QualityBudget.Measure.PERPLEXITY_INCREASE,
                increase == null ? DEFAULT_MAX_PERPLEXITY_INCREASE : share(increase), settings.save());
    }

    /** Returns a share; NaN if the text is none. */
    private static double share(String text) {
        return Share.parse(text.strip()).orElse(Double.NaN);
    }

    private static Path profileDirectory(@Nullable String location) {
        try {
            return text(location).map(Path::of)
                    .orElseGet(() -> Path.of(System.getProperty("user.home"), ".chai", "profiles"));
        } catch (InvalidPathException e) {
            throw new InvalidConfigurationPropertyValueException("chai.calibration.profile-directory", location,
                    "Must be a directory: " + e.getMessage() + ".");
        }
    }

    private boolean isCalibrationOn() {
        return properties.calibration().mode() != Mode.OFF;
    }

    private void checkCalibration() {
        ChaiProperties.Calibration settings = properties.calibration();
        if (!isCalibrationOn()) {
            return;
        }
        require(settings.mode() != Mode.ALWAYS || !isProfileSet(), "chai.calibration.mode", settings.mode(),
                "Makes a profile at every start, so the one that chai.profile names would never be used.");
        require(settings.samples() > 0, "chai.calibration.samples", settings.samples(), "Must be at least 1 text.");
        require(settings.maxTokens() > 1, "chai.calibration.max-tokens", settings.maxTokens(),
                "Must be at least 2 tokens.");
        String increase = settings.maxPerplexityIncrease();
        require(increase == null || share(increase) > 0, "chai.calibration.max-perplexity-increase", increase,
                "Must be a share above 0, like 1% or 0.01.");
        Double divergence = settings.maxKl();
        require(divergence == null || divergence > 0 && divergence < Double.POSITIVE_INFINITY,
                "chai.calibration.max-kl", divergence, "Must be more than 0 nats per token.");
        require(divergence == null || increase == null, "chai.calibration.max-kl", divergence,
                "Is one way to bound the loss, chai.calibration.max-perplexity-increase is another: set one of them.");
    }

    private ClusterProfile profile() {
        return withMembership(text(properties.profile()).map(this::read).orElseThrow(MissingProfileException::new));
    }

    private ClusterProfile withMembership(ClusterProfile profile) {
        ChaiProperties.Membership membership = properties.membership();
        if (profile.membership() instanceof Membership.Static) {
            String reason = "Decides which heads belong together, which the profile has decided for every sequence "
                    + "(STATIC).";
            require(membership.window() == null, "chai.membership.window", membership.window(), reason);
            require(membership.offset() == null, "chai.membership.offset", membership.offset(), reason);
            require(membership.algorithm() == null, "chai.membership.algorithm", membership.algorithm(), reason);
            require(membership.representative() == null, "chai.membership.representative",
                    membership.representative(), reason);
        }
        return profile.withMembership(membership.window(), membership.offset(), membership.algorithm(),
                membership.representative());
    }

    private boolean isProfileSet() {
        return text(properties.profile()).isPresent();
    }

    private static Optional<String> text(@Nullable String value) {
        return Optional.ofNullable(value).filter(text -> !text.isBlank());
    }

    private void checkMembership(AttentionMode attention) {
        ChaiProperties.Membership membership = properties.membership();
        require(membership.window() == null || membership.window() > 0, "chai.membership.window", membership.window(),
                "Must be at least 1 token.");
        require(membership.offset() == null || membership.offset() >= 0, "chai.membership.offset", membership.offset(),
                "Must be 0 tokens or more.");
        if (attention != AttentionMode.CLUSTERED && properties.enabled()
                && !membership.equals(NO_MEMBERSHIP)) {
            logger.warn("chai.membership has no effect: attention is {}", attention);
        }
    }

    /** A location without a prefix is a file, as it is for chai.model.path. */
    private Resource resource(String location) {
        return ResourceUtils.isUrl(location) ? resourceLoader.getResource(location) : new FileSystemResource(location);
    }

    private ClusterProfile read(String location) {
        Resource resource = resource(location);
        try {
            return ClusterProfile.parse(resource.getContentAsString(StandardCharsets.UTF_8), resource.getDescription());
        } catch (FileNotFoundException | NoSuchFileException e) {
            throw new ProfileException(resource.getDescription() + " does not exist", e);
        } catch (IOException e) {
            throw new ProfileException(resource.getDescription() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Checks the defaults for requests; the models would only notice with the first request. */
    static void requirePossible(ChaiProperties.Chat chat) {
        Double temperature = chat.temperature();
        require(temperature == null || temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
                "chai.chat.temperature", temperature, "Must be 0 or more.");
        Double topP = chat.topP();
        require(topP == null || topP > 0 && topP <= 1, "chai.chat.top-p", topP, "Must be above 0 and at most 1.");
        require(chat.topK() == null || chat.topK() > 0, "chai.chat.top-k", chat.topK(), "Must be at least 1 token.");
        requirePenalty("chai.chat.frequency-penalty", chat.frequencyPenalty());
        requirePenalty("chai.chat.presence-penalty", chat.presencePenalty());
        Double repetition = chat.repetitionPenalty();
        require(repetition == null || repetition > 0 && repetition < Double.POSITIVE_INFINITY,
                "chai.chat.repetition-penalty", repetition, "Must be more than 0.");
        require(chat.maxOutputTokens() == null || chat.maxOutputTokens() > 0, "chai.chat.max-output-tokens",
                chat.maxOutputTokens(), "Must be at least 1 token.");
        List<String> stopSequences = chat.stopSequences();
        require(stopSequences == null || !stopSequences.contains(""), "chai.chat.stop-sequences", stopSequences,
                "A stop sequence must not be empty.");
    }

    private static void requirePenalty(String property, double penalty) {
        require(penalty >= -2 && penalty <= 2, property, penalty, "Must be from -2 to 2.");
    }

    static void require(boolean possible, String property, @Nullable Object value, String reason) {
        if (!possible) {
            throw new InvalidConfigurationPropertyValueException(property, value, reason);
        }
    }
}
