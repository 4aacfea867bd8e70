using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Tests.Models;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Data;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Cli.Tests.Benchmarks;

public sealed class BenchCommandTests : IDisposable
{
    private const string Governor = "device/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

    // As on a device that serves: what else runs on the machine of the tests is no cause to measure again.
    private static readonly string[] s_short = ["--live", "--blocks", "3", "--cell-ms", "3", "--cold-starts", "1", "--warm-up-ms", "50", "--no-counters", "--seed", "7"];
    private readonly TemporaryFolder _folder = new();

    public BenchCommandTests() => Directory.CreateDirectory(_folder["device"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_document_says_what_was_measured_and_why_what_was_not()
    {
        string light = _folder.Write("light.onnx", TinyModel.Work(64, 2)), heavy = _folder.Write("heavy.onnx", TinyModel.Work(64, 200));

        Directory.CreateDirectory(_folder["device"]);
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", light, "-c", heavy, "--tail", "100", "--root", _folder["device"], "--raw", _folder["raw.gz"], "-o", "json", .. s_short]);

        Assert.Equal(1, run.ExitCode);
        JsonNode document = JsonNode.Parse(run.Output)!;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_folder["raw.gz"]))), Text(document["raw"]!["sha256"]));
        Assert.Equal(("fail", "slower", 2), (Text(document["verdict"]), Text(document["difference"]), document["schemaVersion"]!.GetValue<int>()));
        double ratio = document["latency"]!["ratio"]!.GetValue<double>();
        Assert.True(document["latency"]!["interval"]![0]!.GetValue<double>() < ratio && ratio < document["latency"]!["interval"]![1]!.GetValue<double>());
        Assert.True(document["latency"]!["candidate"]!["p50"]!["micros"]!.GetValue<double>() > 0);
        Assert.Equal(2, document["latency"]!["candidate"]!["p50"]!["interval"]!.AsArray().Count);
        Assert.Contains("p99 takes 662 inferences, and 100 were timed", Text(document["latency"]!["candidate"]!["p99"]!["reason"]), StringComparison.Ordinal);
        Assert.True(document["latency"]!["candidate"]!["p99"]!.AsObject().TryGetPropertyValue("micros", out JsonNode? withheld));
        Assert.Null(withheld);
        Assert.Equal("measured", Text(document["memory"]!["state"]));
        Assert.Equal("absent", Text(document["energy"]!["state"]));
        Assert.Contains("no energy meter", Text(document["energy"]!["reason"]), StringComparison.Ordinal);
        Assert.Equal(("absent", "not asked for"), (Text(document["counters"]!["state"]), Text(document["counters"]!["reason"])));
        Assert.Equal(("live", 3), (Text(document["condition"]), document["blocks"]!.GetValue<int>()));
        Assert.Equal("7", Text(document["fingerprint"]!["seed"]));
    }

    [Fact]
    public void Energy_is_read_below_the_root_and_needs_no_other_device()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(64, 2));
        const string chip = "device/sys/bus/i2c/devices/1-0040";
        _folder.Write("device/proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0");
        _folder.Write($"{chip}/name", "ina3221\n");
        foreach ((string name, string text) in new[] { ("name", "ina3221"), ("in1_label", "VDD_IN"), ("in1_input", "4984"), ("curr1_input", "1856"), ("shunt1_resistor", "5000") })
        {
            _folder.Write($"{chip}/hwmon/hwmon1/{name}", $"{text}\n");
        }

        EdgefleetProcess run = EdgefleetProcess.Run(
            ["bench", "-b", model, "--root", _folder["device"], "-o", "json", "--anyway", "--blocks", "3", "--cold-starts", "0", "--warm-up-ms", "50", "--tail", "0", "--idle-seconds", "1", "--no-counters", "--live"]);

        JsonNode energy = JsonNode.Parse(run.Output)!["energy"]!;
        Assert.Equal("ina3221 hwmon VDD_IN", Text(energy["source"]));
        Assert.Equal("0.0399 W", Text(energy["meter"]!["quantum"]));
        // A machine under load may miss readings, and says so; a figure that is there is 9.2503 W over the inferences of its time.
        if (Text(energy["state"]) == "measured")
        {
            Assert.Equal(9.2503, energy["candidate"]!["meanWatts"]!.GetValue<double>(), 3);
            Assert.Equal("J", Text(energy["candidate"]!["total"]!["unit"]));
            Assert.Equal("absent", Text(energy["candidate"]!["dynamic"]!["state"]));
        }
        else
        {
            Assert.False(string.IsNullOrEmpty(Text(energy["reason"])));
        }
    }

    [Fact]
    public void Real_inputs_are_fed_from_a_dataset_and_named_in_the_fingerprint()
    {
        string dataset = SmallTask.WriteDataset(_folder), model = _folder["task.onnx"];
        SmallTask.Model().Save(model);
        string inputs = Inputs();
        Assert.Equal(64, inputs.Length);
        Assert.NotEqual(inputs, Inputs("--split", "calibration"));

        string other = _folder.Write("bias.onnx", TinyModel.AddBias([1, 2]));
        EdgefleetProcess wrong = EdgefleetProcess.Run(["bench", "-b", other, "--input", dataset, .. s_short]);
        Assert.Equal(3, wrong.ExitCode);
        Assert.Contains($"of model '{other}' takes 2", wrong.Errors, StringComparison.Ordinal);

        string Inputs(params string[] more)
        {
            EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", model, "--input", dataset, "--tail", "0", "-o", "json", .. s_short, .. more]);
            Assert.Equal(0, run.ExitCode);
            return Text(JsonNode.Parse(run.Output)!["fingerprint"]!["inputsSha256"]);
        }
    }

    [Fact]
    public void What_a_killed_benchmark_changed_is_put_back_by_the_next_one_and_a_signal_puts_it_back_at_once()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(64, 20));
        _folder.Write(Governor, "schedutil\n");
        string[] endless = ["bench", "-b", model, "--root", _folder["device"], "--governor", "performance", "--live", "--blocks", "10000", "--cold-starts", "0", "--no-meter"];

        using (Process killed = Start(endless))
        {
            WaitForGovernor("performance", killed);
            killed.Kill();
            killed.WaitForExit();
        }
        Assert.Equal("performance", File.ReadAllText(_folder[Governor]).Trim());

        EdgefleetProcess next = EdgefleetProcess.Run(["bench", "-b", model, "--root", _folder["device"], "--tail", "0", .. s_short]);
        Assert.Equal(0, next.ExitCode);
        Assert.Equal("schedutil", File.ReadAllText(_folder[Governor]).Trim());

        using Process interrupted = Start(endless);
        WaitForGovernor("performance", interrupted);
        Assert.True(ProcessSignals.TrySend(interrupted.Id, ProcessSignal.Terminate));
        interrupted.WaitForExit();
        Assert.Equal("schedutil", File.ReadAllText(_folder[Governor]).Trim());

        // The connection to the board is lost.
        using Process hungUp = Start(endless);
        WaitForGovernor("performance", hungUp);
        using (Process kill = Process.Start("/bin/kill", ["-HUP", hungUp.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }
        hungUp.WaitForExit();
        Assert.Equal("schedutil", File.ReadAllText(_folder[Governor]).Trim());
    }

    [Fact]
    public void No_process_of_a_benchmark_leaves_a_file_behind()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 2));
        string temporary = Directory.CreateDirectory(_folder["tmp"]).FullName;
        ProcessStartInfo start = new(Path.Join(AppContext.BaseDirectory, "edgefleet"), ["bench", "-b", model, "--tail", "0", "-o", "json", .. s_short]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TMPDIR"] = temporary;
        using Process run = Process.Start(start)!;
        run.StandardOutput.ReadToEnd();
        run.WaitForExit();

        Assert.Equal(0, run.ExitCode);
        // Neither .NET's pipes nor what ONNX Runtime's telemetry would keep.
        Assert.Empty(Directory.GetFiles(temporary));
    }

    [Fact]
    public void Results_are_compared_only_where_they_were_measured_with_the_same()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 2));
        string one = Result("one.json"), other = Result("other.json"), threads = Result("threads.json", "--threads", "2");

        EdgefleetProcess compared = EdgefleetProcess.Run("bench", "compare", one, other);
        Assert.Equal(0, compared.ExitCode);
        Assert.Contains("p50", compared.Output, StringComparison.Ordinal);

        JsonNode known = JsonNode.Parse(File.ReadAllText(one))!;
        known["latency"]!["candidate"]!["p50"]!["micros"] = 40.0;
        known["energy"]!["candidate"] = JsonNode.Parse("""{ "total": { "state": "measured", "value": 0.5, "unit": "J" }, "dynamic": { "state": "measured", "value": 0.1, "unit": "J" } }""");
        string before = _folder.Write("before.json", known.ToJsonString());
        known["latency"]!["candidate"]!["p50"]!["micros"] = 50.0;
        known["energy"]!["candidate"]!["total"]!["value"] = 1.5;
        string after = _folder.Write("after.json", known.ToJsonString());
        JsonNode ratios = JsonNode.Parse(EdgefleetProcess.Run("bench", "compare", before, after, "-o", "json").Output)!;
        Assert.Equal((1.25, 3.0), (ratios["p50"]!["ratio"]!.GetValue<double>(), ratios["energy per inference"]!["ratio"]!.GetValue<double>()));

        known["schemaVersion"] = 1;
        EdgefleetProcess old = EdgefleetProcess.Run("bench", "compare", one, _folder.Write("old.json", known.ToJsonString()));
        Assert.Equal(2, old.ExitCode);
        Assert.Contains("schemaVersion 1 is not known", old.Errors, StringComparison.Ordinal);

        EdgefleetProcess refused = EdgefleetProcess.Run("bench", "compare", one, threads);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("threads: '1' against '2'", refused.Errors, StringComparison.Ordinal);

        EdgefleetProcess nonsense = EdgefleetProcess.Run("bench", "compare", one, model);
        Assert.Equal(2, nonsense.ExitCode);
        Assert.Contains("is no result of bench -o json", nonsense.Errors, StringComparison.Ordinal);

        foreach (string section in (string[])["latency", "memory", "energy", "fingerprint"])
        {
            JsonNode damaged = JsonNode.Parse(File.ReadAllText(one))!;
            damaged[section] = null;
            EdgefleetProcess without = EdgefleetProcess.Run("bench", "compare", one, _folder.Write("damaged.json", damaged.ToJsonString()));
            Assert.Equal(2, without.ExitCode);
            Assert.Contains($"it has no {section}", without.Errors, StringComparison.Ordinal);
        }

        EdgefleetProcess mistyped = EdgefleetProcess.Run(["bench", "-b", model, .. s_short, "--root", "/nowhere-at-all"]);
        Assert.Equal(3, mistyped.ExitCode);
        Assert.Contains("folder '/nowhere-at-all' does not exist", mistyped.Errors, StringComparison.Ordinal);

        string Result(string name, params string[] more)
        {
            EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", model, "--tail", "0", "-o", "json", .. s_short, .. more]);
            Assert.Equal(0, run.ExitCode);
            return _folder.Write(name, run.Output);
        }
    }

    [Theory, InlineData("--raw"), InlineData("--html")]
    public void A_file_that_cannot_be_written_is_found_out_before_anything_is_measured(string option)
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 2));
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", model, option, "/nowhere-at-all/file", .. s_short]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains($"{option} /nowhere-at-all/file: ", run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("measuring", run.Errors, StringComparison.Ordinal);
    }

    [Theory, InlineData("--raw"), InlineData("--html")]
    public void A_disk_that_is_full_at_the_end_is_said_and_what_was_measured_is_printed_all_the_same(string option)
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 2));
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", model, option, "/dev/full", "-o", "json", .. s_short]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains($"error: {option} /dev/full: ", run.Errors, StringComparison.Ordinal);
        Assert.NotNull(JsonNode.Parse(run.Output)!["latency"]!["candidate"]!["p50"]!["micros"]);
    }

    [Fact]
    public void A_candidate_that_cannot_be_measured_fails_and_its_document_says_why_everything_is_absent()
    {
        string model = _folder.Write("work.onnx", TinyModel.Work(16, 2)), garbage = _folder.Write("garbage.onnx", "not a model");

        EdgefleetProcess candidate = EdgefleetProcess.Run(["bench", "-b", model, "-c", garbage, "--html", _folder["page.html"], "-o", "json", .. s_short]);
        Assert.Equal(1, candidate.ExitCode);
        JsonNode document = JsonNode.Parse(candidate.Output)!;
        Assert.Equal(("fail", "none", "absent"), (Text(document["verdict"]), Text(document["difference"]), Text(document["memory"]!["state"])));
        Assert.Contains($"ModelNotLoaded: model '{garbage}'", Text(document["reason"]), StringComparison.Ordinal);
        Assert.Contains("garbage.onnx", File.ReadAllText(_folder["page.html"]), StringComparison.Ordinal);

        // Of the baseline, or of one model alone, nothing is judged.
        Assert.Equal(3, EdgefleetProcess.Run(["bench", "-b", garbage, "-c", model, .. s_short]).ExitCode);
        Assert.Equal(3, EdgefleetProcess.Run(["bench", "-b", garbage, .. s_short]).ExitCode);
    }

    [Theory]
    [InlineData(2, "--provider 'NopeExecutionProvider': this ONNX Runtime has ", "--provider", "NopeExecutionProvider")]
    [InlineData(2, "--cpus '900': this process may use", "--cpus", "900")]
    [InlineData(3, "is empty, or no regular file", "-c", "/dev/zero")]
    public void What_could_never_be_measured_is_said_at_once(int code, string expected, params string[] more)
    {
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", _folder.Write("work.onnx", TinyModel.Work(16, 2)), "--html", _folder["page.html"], .. s_short, .. more]);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(expected, run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("cold start", run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["page.html"]));
    }

    private static Process Start(string[] arguments) => Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "edgefleet"), arguments)
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;

    /// <summary>The change itself is the sign: the file is read until it has been made.</summary>
    private void WaitForGovernor(string governor, Process process)
    {
        while (File.ReadAllText(_folder[Governor]).Trim() != governor)
        {
            Assert.False(process.HasExited, process.HasExited ? process.StandardError.ReadToEnd() : "");
            Thread.Yield();
        }
    }

    private static string Text(JsonNode? node) => node?.GetValue<string>() ?? "";
}
