using System.CommandLine;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Agent.Trials;

/// <summary><c>edgefleet-agent shadow --job FILE</c>: compares a candidate with the baseline on live inputs, until it is told to end.</summary>
public static class ShadowCommand
{
    public static Command Create()
    {
        Option<string> job = new("--job") { Description = "The job, one JSON document.", HelpName = "FILE", Required = true };
        Command command = new("shadow", "Worker: run a candidate beside the baseline on copies of live inputs and write a tick of counts as a JSON line.") { job };
        command.SetAction((parsed, cancellationToken) => WorkerProcess.RunAsync(
            (output, stop) => RunAsync(parsed.GetValue(job)!, output, TimeProvider.System, stop), ProcessTraits.YieldToAll, cancellationToken));
        return command;
    }

    internal static async Task RunAsync(string path, WorkerOutput output, TimeProvider time, CancellationToken cancellationToken)
    {
        ShadowJob job = JobFile.Read(path, EvidenceJsonContext.Default.ShadowJob);
        JobFile.Require(path, job.SchemaVersion == ShadowJob.CurrentSchemaVersion, $"schemaVersion {job.SchemaVersion} is not known; this build reads {ShadowJob.CurrentSchemaVersion}");
        JobFile.Require(path, job.TickMs is > 0 and <= 86_400_000, $"tickMs is {job.TickMs}; 1 to 86400000 are possible");
        JobFile.Require(path, job.SamplingShare is > 0 and <= 1, $"samplingShare is {job.SamplingShare}; above 0 and at most 1 is possible");
        JobFile.Require(path, job.NoiseShare is >= 0 and <= 1, $"noiseShare is {job.NoiseShare}; 0 to 1 is possible");
        JobFile.Require(path, job.TaxBudget > 0, $"taxBudget is {job.TaxBudget}; it is above 0");
        JobFile.Require(path, job.MaxPerSecond > 0, $"maxPerSecond is {job.MaxPerSecond}; it is above 0");
        JobFile.Require(path, job.IntraOpThreads is > 0 and <= 1024, $"intraOpThreads is {job.IntraOpThreads}; 1 to 1024 are possible");
        JobFile.Require(path, job.LatencyP95Margin >= 0 && job.LatencyP99Margin >= 0, $"the latency margins are {job.LatencyP95Margin} and {job.LatencyP99Margin}; they are at least 0");
        JobFile.Require(path, job.MemoryBudgetBytes > 0, $"memoryBudgetBytes is {job.MemoryBudgetBytes}; it is above 0");
        using RunnerClient runner = new(job.ControlSocket);
        await new ShadowWorker(job, runner, job.SystemRoot is { } root ? new KernelFiles(root) : KernelFiles.Host, output, time).RunAsync(cancellationToken);
    }
}
