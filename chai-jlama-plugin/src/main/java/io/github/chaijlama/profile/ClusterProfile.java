// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.files.AtomicFile;

/**
 * How many clusters each layer of a model has, and how heads find theirs: what the offline phase of CHAI leaves behind
 * (arXiv:2403.08058, section 3.2). Immutable; read and written as {@code chai-profile/1} JSON.
 *
 * @param model         shape of the model it was made for
 * @param clusters      clusters of each layer, 1 to {@code model.heads()}; as many as heads means the layer stays exact
 * @param membership    how heads find their cluster
 * @param fingerprint   the one model the profile was measured on, empty if it is for every model of the shape
 * @param maxDivergence the mean KL(exact || clustered) within which it was calibrated, nats per token; empty if it was
 *                      not calibrated within one
 */
public record ClusterProfile(ModelShape model, List<Integer> clusters, Membership membership,
        Optional<String> fingerprint, Optional<Double> maxDivergence) {

    public ClusterProfile {
        clusters = List.copyOf(clusters);
        validate(model, clusters, membership);
        maxDivergence.filter(bound -> !(bound > 0) || bound.isInfinite()).ifPresent(bound -> {
            throw new ProfileException("'maxDivergence' must be above 0, found " + bound);
        });
    }

    /** Creates a profile for every model of a shape. */
    public ClusterProfile(ModelShape model, List<Integer> clusters, Membership membership) {
        this(model, clusters, membership, Optional.empty(), Optional.empty());
    }

    /** Returns the profile of exact attention: in every layer every head is a cluster of its own. */
    public static ClusterProfile exact(ModelShape model) {
        return new ClusterProfile(model, Collections.nCopies(model.layers(), model.heads()),
                new Membership.Static(Collections.nCopies(model.layers(), HeadClusters.identity(model.heads()))));
    }

    /** Whether no heads share anything, in any layer. */
    public boolean isExact() {
        return clusters.stream().allMatch(count -> count == model.heads());
    }

    /**
     * Reads a profile from a file.
     *
     * @throws ProfileException if there is no such file, or it is not a consistent {@code chai-profile/1}
     */
    public static ClusterProfile read(Path file) {
        try {
            return ProfileJson.parse(Files.readString(file), file.toString());
        } catch (NoSuchFileException e) {
            throw new ProfileException("profile " + file + " does not exist", e);
        } catch (IOException e) {
            throw new ProfileException("profile " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Reads a profile from text.
     *
     * @param source name of the place the text comes from, for messages
     * @throws ProfileException if it is not a consistent {@code chai-profile/1}
     */
    public static ClusterProfile parse(String json, String source) {
        return ProfileJson.parse(json, source);
    }

    /** Returns the profile as {@code chai-profile/1} JSON. */
    public String toJson() {
        return ProfileJson.toJson(this).toPrettyString() + "\n";
    }

    /**
     * Writes the profile to a file, whole or not at all: an existing file is replaced in one step.
     *
     * @throws ProfileException if it cannot be written; an existing file is unchanged then
     */
    public void write(Path file) {
        try {
            AtomicFile.write(file, toJson());
        } catch (IOException e) {
            throw new ProfileException("profile " + file + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    /**
     * Checks that the profile was made for a model of this shape.
     *
     * @throws ProfileException naming both shapes if it was not
     */
    public void requireFits(ModelShape shape) {
        if (!model.equals(shape)) {
            throw new ProfileException("the profile was made for another model: it is for a " + model
                    + ", this model is a " + shape);
        }
    }

    /**
     * Checks that the profile was made for this very model, where it names one.
     *
     * @param modelFingerprint of the model, asked for only if the profile names one
     * @throws ProfileException naming both fingerprints if it was not
     */
    public void requireMadeFor(Supplier<String> modelFingerprint) {
        fingerprint.filter(own -> !own.equals(modelFingerprint.get())).ifPresent(own -> {
            throw new ProfileException("the profile was calibrated on another model: its fingerprint is " + own
                    + ", this model's is " + modelFingerprint.get()
                    + "; calibrate this model, or take 'fingerprint' out of the profile to use it all the same");
        });
    }

    /** Returns this profile for one model only. */
    public ClusterProfile withFingerprint(String newFingerprint) {
        return new ClusterProfile(model, clusters, membership, Optional.of(newFingerprint), maxDivergence);
    }

    /** Returns this profile as one that was calibrated within a mean divergence, nats per token. */
    public ClusterProfile withMaxDivergence(double bound) {
        return new ClusterProfile(model, clusters, membership, fingerprint, Optional.of(bound));
    }

    /**
     * Returns this profile with some settings of its membership replaced; what is absent stays the profile's own.
     *
     * @throws ProfileException if one is given that this kind of membership does not have
     */
    public ClusterProfile withMembership(@Nullable Integer window, @Nullable Integer offset,
            @Nullable ClusteringAlgorithm algorithm, @Nullable RepresentativeChoice representative) {
        if (window == null && offset == null && algorithm == null && representative == null) {
            return this;
        }
        Membership changed = switch (membership) {
            case Membership.Online online -> new Membership.Online(window == null ? online.window() : window,
                    offset == null ? online.offset() : offset, algorithm == null ? online.algorithm() : algorithm,
                    representative == null ? online.representative() : representative);
            case Membership.Prompt prompt when window == null && offset == null ->
                new Membership.Prompt(algorithm == null ? prompt.algorithm() : algorithm,
                        representative == null ? prompt.representative() : representative);
            case Membership.Prompt _ -> throw new ProfileException(
                    "window and offset belong to ONLINE membership; the profile's is PROMPT");
            case Membership.Static _ ->
                throw new ProfileException("window, offset, algorithm and representative belong to ONLINE membership; "
                        + "the profile's is STATIC");
        };
        return new ClusterProfile(model, clusters, changed, fingerprint, maxDivergence);
    }

    private static void validate(ModelShape model, List<Integer> clusters, Membership membership) {
        if (model.layers() < 1 || model.heads() < 1 || !areForEachLayer(model, model.kvHeads())
                || !areForEachLayer(model, model.headSizes())
                || model.kvHeads().stream().anyMatch(kvHeads -> model.heads() % kvHeads != 0)) {
            throw new ProfileException("the profile's model is impossible: a " + model
                    + "; all numbers must be at least 1 and the KV heads a divisor of the heads, and a list must have "
                    + "a number for each layer");
        }
        if (clusters.size() != model.layers()) {
            throw new ProfileException("'clusters' has " + clusters.size() + " entries, the profile's model has "
                    + model.layers() + " layers");
        }
        for (int layer = 0; layer < clusters.size(); layer++) {
            if (clusters.get(layer) < 1 || clusters.get(layer) > model.heads()) {
                throw new ProfileException("'clusters' of layer " + layer + " must be 1 to " + model.heads()
                        + " (the number of heads), found " + clusters.get(layer));
            }
        }
        if (membership instanceof Membership.Static(List<HeadClusters> layers)) {
            validateStatic(model, clusters, layers);
        }
    }

    private static boolean areForEachLayer(ModelShape model, List<Integer> numbers) {
        return (numbers.size() == 1 || numbers.size() == model.layers())
                && numbers.stream().allMatch(number -> number >= 1);
    }

    private static void validateStatic(ModelShape model, List<Integer> clusters, List<HeadClusters> layers) {
        if (layers.size() != model.layers()) {
            throw new ProfileException("'layers' has " + layers.size() + " entries, the profile's model has "
                    + model.layers() + " layers");
        }
        for (int layer = 0; layer < layers.size(); layer++) {
            HeadClusters heads = layers.get(layer);
            if (heads.numberOfHeads() != model.heads()) {
                throw new ProfileException("'member' of layer " + layer + " has " + heads.numberOfHeads()
                        + " entries, the profile's model has " + model.heads() + " heads");
            }
            if (heads.numberOfClusters() != clusters.get(layer)) {
                throw new ProfileException("layer " + layer + " has " + heads.numberOfClusters()
                        + " representatives, 'clusters' says " + clusters.get(layer));
            }
        }
    }
}
