using System.Diagnostics;
using System.Text.Json;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Trials;

/// <summary>The workers as processes, started as the supervisor starts them.</summary>
public sealed class WorkerProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_benchmark_writes_its_progress_and_its_evidence_as_lines()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 2));
        (List<WorkerLine> lines, ChildExit exit) = await BenchAsync(Job(model, model));

        Assert.Equal(0, exit.ExitCode);
        Assert.Equal("looking", lines[0].Stage);
        Assert.Contains(lines, line => line is { Type: "progress", Stage: "measuring" });
        Assert.Equal((6, 6), (lines[^1].Result!.Blocks, lines[^1].Result!.Latency.BlockLogRatios.Count));
    }

    [Theory]
    [InlineData("truncated", "ModelNotLoaded")]
    [InlineData("garbage", "ModelNotLoaded")]
    [InlineData("contract", "ContractChanged")]
    public async Task A_broken_candidate_ends_the_worker_with_a_line_that_says_why(string fault, string code)
    {
        byte[] good = TinyModel.AddBias([1, 2]);
        string candidate = _folder.Write("candidate.onnx", fault switch
        {
            "truncated" => good[..^20],
            "garbage" => [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 31))],
            _ => TinyModel.AddBias([1, 2, 3]),
        });
        (List<WorkerLine> lines, ChildExit exit) = await BenchAsync(Job(_folder.Write("baseline.onnx", good), candidate));

        Assert.Equal(3, exit.ExitCode);
        Assert.Equal(("error", code), (lines[^1].Type, lines[^1].Code));
        Assert.Contains(candidate, lines[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_takes_the_process_down_leaves_no_result_and_a_signal()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(64, 20));
        await using ChildProcess worker = await StartAsync("bench", Job(model, model) with { Looks = [10_000], CellMs = 250 });
        List<WorkerLine> lines = [];
        await foreach (string text in worker.ReadLinesAsync(CancellationToken.None))
        {
            lines.Add(WorkerLine.Parse(text));
            if (lines[^1].Stage == "warming up")
            {
                worker.Kill(); // what an abort inside the runtime looks like from here
            }
        }

        ChildExit exit = await worker.WaitAsync(CancellationToken.None);
        Assert.Equal(128 + 9, exit.ExitCode);
        Assert.DoesNotContain(lines, line => line.Type is "result" or "error");
    }

    [Fact]
    public async Task A_model_that_takes_wildly_is_ended_at_its_memory_cap()
    {
        string light = _folder.Write("light.onnx", TinyModel.Hungry(1 << 12));
        string hungry = _folder.Write("hungry.onnx", TinyModel.Hungry(512L << 20));
        (List<WorkerLine> lines, ChildExit exit) = await BenchAsync(Job(light, hungry) with { MemoryLimitBytes = 400L << 20 });
        Assert.Equal(3, exit.ExitCode);
        Assert.Equal(("error", "OutOfMemory"), (lines[^1].Type, lines[^1].Code));
        Assert.Contains(hungry, lines[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_yields_to_serving_and_is_the_first_to_go_when_memory_runs_out()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 2));
        await using ChildProcess worker = await StartAsync("bench", Job(model, model) with { Looks = [10_000], CellMs = 250 });
        await foreach (string text in worker.ReadLinesAsync(CancellationToken.None))
        {
            if (WorkerLine.Parse(text).Stage == "warming up")
            {
                string stat = File.ReadAllText($"/proc/{worker.Id}/stat");
                Assert.Equal("10", stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16]); // proc(5): nice
                Assert.Equal("800", File.ReadAllText($"/proc/{worker.Id}/oom_score_adj").Trim());
                worker.Kill();
            }
        }
    }

    [Fact]
    public async Task A_shadow_yields_to_all_others_and_goes_before_them_when_memory_runs_out()
    {
        string model = _folder.Write("a.onnx", TinyModel.AddBias([1, 2]));
        ShadowJob job = new() { Model = "add", BaselinePath = model, CandidatePath = model, ControlSocket = _folder["nobody.sock"], TickMs = 100 };
        string file = _folder.Write("job.json", JsonSerializer.SerializeToUtf8Bytes(job, EvidenceJsonContext.Default.ShadowJob));
        await using ChildProcess worker = await ChildProcess.StartAsync(Options("shadow", file));
        await foreach (string text in worker.ReadLinesAsync(CancellationToken.None))
        {
            if (WorkerLine.Parse(text).Tick is not null)
            {
                break;
            }
        }

        // Every thread, those of the runtime for inference too: a nice value belongs to a thread.
        Assert.All(Directory.GetDirectories($"/proc/{worker.Id}/task"), task =>
        {
            string stat = File.ReadAllText(Path.Join(task, "stat"));
            Assert.Equal("19", stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16]); // proc(5): nice
        });
        Assert.Equal("900", File.ReadAllText($"/proc/{worker.Id}/oom_score_adj").Trim());
    }

    [Theory]
    [InlineData("{", "job '")]
    [InlineData("""{"schemaVersion":9,"candidatePath":"x","looks":[6],"cellMs":1,"session":{"threads":1}}""", "schemaVersion 9 is not known")]
    [InlineData("""{"schemaVersion":2,"candidatePath":"x","looks":[1],"cellMs":1,"session":{"threads":1}}""", "looks are [1]")]
    [InlineData("""{"schemaVersion":2,"looks":[6],"cellMs":1,"session":{"threads":1}}""", "candidatePath")]
    public async Task A_job_that_makes_no_sense_is_refused_with_the_value(string job, string expected)
    {
        using StringWriter written = new();
        FormatException error = await Assert.ThrowsAsync<FormatException>(() =>
            BenchCommand.RunAsync(_folder.Write("job.json", job), new WorkerOutput(written), TimeProvider.System, CancellationToken.None));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_not_ours_is_refused() => Assert.Throws<FormatException>(() => WorkerLine.Parse("Segmentation fault"));

    public void Dispose() => _folder.Dispose();

    private static BenchJob Job(string baseline, string candidate) =>
        new() { BaselinePath = baseline, CandidatePath = candidate, Looks = [6], CellMs = 2, WarmUpMs = 10, ColdStarts = 1, TailInferences = 0, Condition = BenchCondition.Live };

    private async Task<(List<WorkerLine> Lines, ChildExit Exit)> BenchAsync(BenchJob job)
    {
        await using ChildProcess worker = await StartAsync("bench", job);
        List<WorkerLine> lines = [];
        await foreach (string line in worker.ReadLinesAsync(CancellationToken.None))
        {
            lines.Add(WorkerLine.Parse(line));
        }
        return (lines, await worker.WaitAsync(CancellationToken.None));
    }

    private Task<ChildProcess> StartAsync(string command, BenchJob job)
    {
        string file = _folder.Write("job.json", JsonSerializer.SerializeToUtf8Bytes(job, EvidenceJsonContext.Default.BenchJob));
        return ChildProcess.StartAsync(Options(command, file));
    }

    private static ChildProcessOptions Options(string command, string jobFile) => new()
    {
        FileName = "dotnet",
        Arguments = [Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll"), command, "--job", jobFile],
    };
}
