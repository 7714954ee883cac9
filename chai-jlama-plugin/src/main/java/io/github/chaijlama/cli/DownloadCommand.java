// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import io.github.chaijlama.hub.HubModels;
import io.github.chaijlama.hub.HubRepository;
import io.github.chaijlama.hub.HubRevision;
import io.github.chaijlama.hub.HubSettings;
import io.github.chaijlama.hub.HubSnapshot;

/** {@code chai download}: brings a model of the Hugging Face hub into its cache and says where it is. */
@Command(name = "download", mixinStandardHelpOptions = true, description = "Downloads what is missing of a model of "
        + "the Hugging Face hub and prints its directory, for --model. The cache is the one of Hugging Face's own "
        + "programs; HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean what they mean there. A "
        + "download that was cut goes on.")
final class DownloadCommand implements Callable<Integer> {

    @Spec
    private CommandSpec command;

    @Parameters(paramLabel = "OWNER/NAME", description = "the model, like Qwen/Qwen2.5-0.5B-Instruct")
    @SuppressWarnings("NullAway.Init")
    private String repository;

    @Option(names = "--revision", paramLabel = "REVISION", description = "branch, tag or commit; default: main")
    private @Nullable String revision;

    @Option(names = "--json", description = "print directory and commit as JSON")
    private boolean json;

    @Override
    public Integer call() {
        HubRepository model;
        HubRevision wanted;
        try {
            model = HubRepository.parse(repository);
            wanted = revision == null ? HubRevision.MAIN : new HubRevision(revision);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
        PrintWriter err = command.commandLine().getErr();
        HubSnapshot snapshot = new HubModels(HubSettings.ofEnvironment()).download(model, wanted, line -> {
            err.println(line);
            err.flush();
        });
        PrintWriter out = command.commandLine().getOut();
        out.println(json ? Json.object().put("directory", snapshot.directory().toString())
                .put("commit", snapshot.commit()) : snapshot.directory());
        out.flush();
        return 0;
    }
}
