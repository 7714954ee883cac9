// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.springframework.context.ApplicationEvent;

/**
 * Clustered attention has moved further from exact attention than it may, over the requests that were checked last:
 * they are no longer like the texts that the model was calibrated on. Published once, and again when the divergence has
 * been within its bound meanwhile; on the thread that checks, so a listener may take its time.
 */
public final class ChaiDriftEvent extends ApplicationEvent {
    private static final long serialVersionUID = 1L;

    private final String modelName;
    private final double meanKl;
    private final double maxKl;
    private final double agreement;

    ChaiDriftEvent(Object source, String modelName, DriftFigures figures, double maxKl) {
        super(source);
        this.modelName = modelName;
        this.meanKl = figures.meanKl();
        this.maxKl = maxKl;
        this.agreement = figures.agreement();
    }

    /** Returns the model's name. */
    public String modelName() {
        return modelName;
    }

    /** Returns the mean of KL(exact || clustered) over the tokens of the requests checked last, in nats. */
    public double meanKl() {
        return meanKl;
    }

    /** Returns the bound that it has passed. */
    public double maxKl() {
        return maxKl;
    }

    /** Returns the share of these tokens at which both expected the same token most, 0 to 1. */
    public double agreement() {
        return agreement;
    }
}
