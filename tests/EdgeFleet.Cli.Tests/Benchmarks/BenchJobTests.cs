using EdgeFleet.Cli.Benchmarks;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Testing;

namespace EdgeFleet.Cli.Tests.Benchmarks;

public sealed class BenchJobTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _baseline;
    private readonly string _candidate;

    public BenchJobTests() => (_baseline, _candidate) = (_folder.Write("baseline.onnx", "a"), _folder.Write("candidate.onnx", "b"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_option_is_in_the_job_that_is_measured()
    {
        BenchJob job = JobOf(
            "-b", _baseline, "-c", _candidate, "--blocks", "7", "--cell-ms", "11", "--warm-up-ms", "12", "--cold-starts", "4", "--tail", "13", "--idle-seconds", "14",
            "--live", "--margin", "0.2", "--memory-margin", "0.3", "--energy-margin", "0.4", "--seed", "15", "--governor", "performance", "--memory-limit-mib", "16",
            "--wait", "17", "--no-counters", "--lease", _folder["lease"], "--root", _folder.Path, "--threads", "2", "--spinning", "--no-arena", "--free-dimension", "3", "--cpus", "0",
            "--meter", "ina226@1:0x40", "--shunt-ohms", "0.1", "--max-amperes", "5", "--gpio-marker", "gpiochip0:17", "--rate", "20", "--sweep", "arena");

        SessionChoice session = new() { Threads = 2, Spinning = true, Arena = false, FreeDimension = 3 };
        Assert.Equal([7], job.Looks);
        Assert.Equal(
            [
                new SweepPoint { Session = session with { Arena = true } },
                new SweepPoint { Session = session },
                new SweepPoint { Session = session, RequestsPerSecond = 20 },
            ],
            job.Sweep);
        Assert.Equal(
            new BenchJob
            {
                BaselinePath = _baseline,
                CandidatePath = _candidate,
                Session = session,
                Cpus = "0",
                Looks = job.Looks,
                CellMs = 11,
                WarmUpMs = 12,
                ColdStarts = 4,
                TailInferences = 13,
                IdleSeconds = 14,
                GateWaitSeconds = 17,
                Counters = false,
                Marker = "gpiochip0:17",
                Sweep = job.Sweep,
                Seed = 15,
                Condition = BenchCondition.Live,
                LeaseFile = _folder["lease"],
                Governor = "performance",
                LatencyMargin = 0.2,
                MemoryMargin = 0.3,
                EnergyMargin = 0.4,
                MemoryLimitBytes = 16 << 20,
                HardwareClass = job.HardwareClass,
                SystemRoot = _folder.Path,
                Meter = new MeterChoice { External = "ina226@1:0x40", ShuntOhms = 0.1, MaximumAmperes = 5 },
            },
            job);
        Assert.NotEmpty(job.HardwareClass);
        Assert.True(JobOf("-b", _baseline, "--no-meter").Meter.None);
    }

    [Fact]
    public void Without_options_it_is_the_whole_protocol_of_one_model_on_a_quiet_device()
    {
        BenchJob job = JobOf("-b", _baseline);

        BenchJob standard = new() { CandidatePath = _baseline };
        Assert.Equal(standard with { CellMs = job.CellMs, Seed = job.Seed, HardwareClass = job.HardwareClass, Sweep = job.Sweep }, job);
        Assert.Empty(job.Sweep);
        Assert.NotEqual(job.Seed, JobOf("-b", _baseline).Seed);
    }

    [Fact]
    public void Measured_anyway_is_not_waited_for() => Assert.Null(JobOf("-b", _baseline, "--anyway", "--wait", "17").GateWaitSeconds);

    private static BenchJob JobOf(params string[] arguments) => BenchCommand.JobOf(BenchCommand.Create().Parse(arguments));
}
