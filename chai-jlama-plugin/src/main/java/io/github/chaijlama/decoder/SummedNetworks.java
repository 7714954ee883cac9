// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.weight.WeightSource;

/** Networks side by side: {@code sum of after(network(before(x)))}. */
record SummedNetworks(List<Branch> branches, StepTools tools) implements FeedForward {

    private record Branch(Norm before, FeedForward network, Norm after) {}

    static SummedNetworks of(FeedForwardConfig.Sum config, WeightSource weights, StepTools tools) {
        return new SummedNetworks(config.branches().stream()
                .map(branch -> new Branch(Norm.of(branch.before(), weights, tools),
                        FeedForward.of(branch.network(), weights, tools), Norm.of(branch.after(), weights, tools)))
                .toList(), tools);
    }

    @Override
    public void forward(Rows in, Rows out) {
        Rows normed = tools.scratch().branchInput.rows(in.count(), in.columns());
        Rows output = tools.scratch().branchOutput.rows(out.count(), out.columns());
        out.memory().asSlice(0, (long) out.count() * out.columns() * Float.BYTES).fill((byte) 0);
        for (Branch branch : branches) {
            branch.network().forward(branch.before().apply(in, normed), output);
            Rows part = branch.after().apply(output, output);
            tools.forEachRow(out, row -> tools.kernels().add(out.memory(), out.at(row), part.memory(), part.at(row), 1,
                    out.columns()));
        }
    }
}
