using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>The runner as the process that it is on a device.</summary>
public sealed class ServeProcessTests : IDisposable
{
    private static readonly string s_program = Path.Join(AppContext.BaseDirectory, "edgefleet-agent.dll");
    private readonly DeviceState _state = new();

    [Fact]
    public async Task Killed_three_times_before_a_healthy_minute_it_serves_the_previous_digest()
    {
        Digest good = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest bad = _state.AddArtifact("add", TinyModel.AddBias([2]));
        _state.Point("add", bad, previous: good);

        for (int crash = 0; crash < CrashLedger.Limit; crash++)
        {
            using Process killed = await StartAsync("--state", _state.Path);
            Assert.Equal(bad.ToString(), await ActiveAsync());
            killed.Kill();
            await killed.WaitForExitAsync();
        }
        using Process last = await StartAsync("--state", _state.Path);
        Assert.Equal(good.ToString(), await ActiveAsync());
        await EndAsync(last);
    }

    [Fact]
    public async Task Told_to_end_it_ends_in_order_and_counts_no_crash()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        for (int start = 0; start < CrashLedger.Limit + 1; start++)
        {
            using Process runner = await StartAsync("--state", _state.Path);
            using RunnerClient control = new(_state["serve/control.sock"]);
            Assert.Null((await control.StatusAsync(CancellationToken.None)).Models.Single().FellBackFrom);
            await EndAsync(runner);
        }
    }

    [Fact]
    public async Task Where_it_can_write_nothing_that_it_remembers_it_serves_all_the_same()
    {
        Digest digest = _state.AddArtifact("add", TinyModel.AddBias([1]));
        _state.Point("add", digest);
        // A folder in the place of the file that it writes: for every user the same as a disk that takes nothing.
        _state.Write("serve/.new-serve.json/in-the-way", "");
        // As onto a full disk: each write to this file is answered with ENOSPC.
        using Process runner = Process.Start(new ProcessStartInfo("sh", ["-c", "exec dotnet \"$0\" serve --state \"$1\" >/dev/full", s_program, _state.Path]) { RedirectStandardError = true })!;
        List<string> said = [];
        while (await runner.StandardError.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (line.Contains("[2021]", StringComparison.Ordinal))
            {
                break;
            }
        }
        Task<string> rest = runner.StandardError.ReadToEndAsync();

        Assert.Contains(said, line => line.Contains("serve.json cannot be written", StringComparison.Ordinal));
        Assert.Contains("No space left", said[^1], StringComparison.Ordinal);
        Assert.Equal(digest.ToString(), await ActiveAsync());
        using HttpClient application = RunnerFixture.ClientOf(_state["serve/infer.sock"]);
        Assert.Equal(1, (await RunnerFixture.PostBinaryAsync(application, "add", 0)).Values.Single());
        await EndAsync(runner);
        await rest;
    }

    [Fact]
    public async Task A_free_port_is_told_on_standard_output()
    {
        _state.Write("plain/unused", "");
        File.WriteAllBytes(_state["plain/add.onnx"], TinyModel.AddBias([1]));
        using Process runner = await StartAsync("--models-root", _state["plain"], "--listen", "http://127.0.0.1:0", "--listen", $"unix:{_state["i.sock"]}");

        string line = runner.StartInfo.Environment["LINE"]!;
        Assert.StartsWith($"serving on unix:{_state["i.sock"]} http://127.0.0.1:", line, StringComparison.Ordinal);
        using HttpClient http = new();
        Assert.Equal("{\"ready\":true}", await http.GetStringAsync(line.Split(' ')[^1] + "/v2/health/ready"));
        await EndAsync(runner);
    }

    [Fact]
    public async Task By_default_gRPC_has_a_socket_beside_RESTs_and_where_REST_is_chosen_none()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        string folder = _state["serve"];
        foreach ((string[] arguments, string expected) in new (string[], string)[]
        {
            ([], $"serving on unix:{folder}/infer.sock, gRPC on unix:{folder}/grpc.sock"),
            (["--grpc-listen", "none"], $"serving on unix:{folder}/infer.sock"),
            (["--listen", $"unix:{folder}/i.sock"], $"serving on unix:{folder}/i.sock"),
            (["--listen", $"unix:{folder}/i.sock", "--grpc-listen", $"unix:{folder}/g.sock"], $"serving on unix:{folder}/i.sock, gRPC on unix:{folder}/g.sock"),
        })
        {
            using Process runner = await StartAsync(["--state", _state.Path, .. arguments]);
            Assert.Equal(expected, runner.StartInfo.Environment["LINE"]);
            await EndAsync(runner);
        }
    }

    [Theory]
    [InlineData(2, "--grpc-listen '8001': expected unix:PATH or http://127.0.0.1:PORT", "--models-root", "/tmp", "--grpc-listen", "8001")]
    [InlineData(2, "--grpc-listen 'http://0.0.0.0:8001': the runner listens on loopback", "--models-root", "/tmp", "--grpc-listen", "http://0.0.0.0:8001")]
    [InlineData(2, "Give either --state DIR or --models-root DIR.")]
    [InlineData(2, "expected unix:PATH or http://127.0.0.1:PORT", "--models-root", "/tmp", "--listen", "8000")]
    [InlineData(2, "--threads '0': expected a whole number from 1 to 1024", "--models-root", "/tmp", "--threads", "0")]
    [InlineData(2, "--threads 'x': expected a whole number", "--models-root", "/tmp", "--threads", "x")]
    [InlineData(2, "--concurrency 'x': expected a whole number", "--models-root", "/tmp", "--concurrency", "x")]
    [InlineData(2, "--queue '-1': expected a whole number", "--models-root", "/tmp", "--queue", "-1")]
    [InlineData(2, "--max-batch '0': expected a whole number", "--models-root", "/tmp", "--max-batch", "0")]
    [InlineData(2, "--state", "--state")]
    [InlineData(2, "--state '/no/such/folder' does not exist", "--state", "/no/such/folder")]
    [InlineData(3, "/no/such/folder", "--models-root", "/no/such/folder", "--listen", "http://127.0.0.1:0")]
    public async Task Wrong_usage_and_a_world_that_fails_have_their_own_exit_codes(int code, string expected, params string[] arguments)
    {
        using Process runner = Process.Start(Info(arguments))!;
        Task<string> errors = runner.StandardError.ReadToEndAsync();
        await runner.StandardOutput.ReadToEndAsync();
        await runner.WaitForExitAsync();
        Assert.Equal(code, runner.ExitCode);
        Assert.Contains(expected, await errors, StringComparison.Ordinal);
    }

    public void Dispose() => _state.Dispose();

    private async Task<string?> ActiveAsync()
    {
        using RunnerClient control = new(_state["serve/control.sock"]);
        return (await control.StatusAsync(CancellationToken.None)).Models.Single().Active;
    }

    /// <summary>Starts it and waits until it says where it serves.</summary>
    private static async Task<Process> StartAsync(params string[] arguments)
    {
        Process runner = Process.Start(Info(arguments))!;
        runner.ErrorDataReceived += (_, _) => { };
        runner.BeginErrorReadLine();
        runner.StartInfo.Environment["LINE"] = await runner.StandardOutput.ReadLineAsync();
        return runner;
    }

    private static ProcessStartInfo Info(string[] arguments) =>
        new("dotnet", [s_program, "serve", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

    private static async Task EndAsync(Process process)
    {
        const int SIGTERM = 15;
        Assert.Equal(0, kill(process.Id, SIGTERM));
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [DllImport("libc")]
    private static extern int kill(int pid, int signal);
}
