using System.CommandLine;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Agent.Trials;

/// <summary><c>edgefleet-agent bench --job FILE</c>: the paired benchmark in a process that may die.</summary>
public static class BenchCommand
{
    public static Command Create()
    {
        Option<string> job = new("--job") { Description = "The job, one JSON document.", HelpName = "FILE", Required = true };
        Command command = new("bench", "Worker: benchmark a candidate against the baseline and write the evidence as JSON lines.") { job };
        command.SetAction((parsed, cancellationToken) => WorkerProcess.RunAsync(
            (output, stop) => RunAsync(parsed.GetValue(job)!, output, TimeProvider.System, stop), ProcessTraits.LowerPriority, cancellationToken));
        return command;
    }

    internal static async Task RunAsync(string path, WorkerOutput output, TimeProvider time, CancellationToken cancellationToken)
    {
        BenchJob job = JobFile.Read(path, EvidenceJsonContext.Default.BenchJob);
        JobFile.Require(path, job.SchemaVersion == BenchJob.CurrentSchemaVersion, $"schemaVersion {job.SchemaVersion} is not known; this build reads {BenchJob.CurrentSchemaVersion}");
        JobFile.Require(path, job.Looks.All(blocks => blocks is > 1 and <= 10_000), $"looks are [{string.Join(", ", job.Looks)}]; 2 to 10000 are possible");
        JobFile.Require(path, job.CellMs is > 0 and <= 600_000, $"cellMs is {job.CellMs}; 1 to 600000 are possible");
        JobFile.Require(path, job.ColdStarts is >= 0 and <= 100, $"coldStarts is {job.ColdStarts}; 0 to 100 are possible");
        JobFile.Require(path, job.TailInferences is >= 0 and <= 1_000_000, $"tailInferences is {job.TailInferences}; 0 to 1000000 are possible");
        JobFile.Require(path, job.WarmUpMs is >= 0 and <= 600_000, $"warmUpMs is {job.WarmUpMs}; 0 to 600000 are possible");
        JobFile.Require(path, job.Session.Threads is > 0 and <= 1024, $"threads is {job.Session.Threads}; 1 to 1024 are possible");
        BenchOutcome outcome = await PairedBenchmark.RunAsync(job, OwnProgram.Find(WorkerTrials.AgentAssembly), new Lines(output), cancellationToken, time);
        output.Write(WorkerLine.OfResult(job.RawFile is { } raw ? RawFiles.Keep(outcome, raw) : outcome.Evidence));
    }

    private sealed class Lines(WorkerOutput output) : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value) => output.Write(WorkerLine.OfProgress(value.Stage, value.Share));
    }
}
