using System.ComponentModel;
using System.Diagnostics;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>The applications below <c>fleet/examples/applications</c>, as real processes on real sockets.</summary>
public sealed class ExampleApplicationTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Process> _processes = [];
    private StateFolder _state = null!;
    private SlotTable _slots = null!;
    private ApplicationRunner _runner = null!;
    private Task _listening = Task.CompletedTask;

    private static string Example(string name) => Checkout.File($"fleet/examples/applications/{name}");

    public Task InitializeAsync()
    {
        _state = new StateFolder(_folder["state"], LinuxFileStore.Instance);
        _state.Prepare();
        Directory.CreateDirectory(_folder["run"]);
        new FileModeEntry { Model = "fashion", Hook = Example("reload.sh"), Arguments = [_folder["run/pid"], _folder["run/loaded"]], HookSeconds = 30 }.Write(_state);
        _slots = new SlotTable(_state, TimeProvider.System, NullLogger<SlotTable>.Instance);
        HealthBoard health = new(TimeProvider.System);
        _runner = new ApplicationRunner(_state, _slots, new ProcessHooks(TimeProvider.System), health, TimeProvider.System, NullLogger<ApplicationRunner>.Instance);
        _listening = new HealthSocket(_state.HealthSocket, _runner.Models, health, _runner.Answer, TimeProvider.System, NullLogger<HealthSocket>.Instance).RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
            await process.WaitForExitAsync();
            process.Dispose();
        }
        await _stop.CancelAsync();
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _runner.Dispose();
        _folder.Dispose();
    }

    [NeedsProgramFact("python3")]
    public Task In_file_mode_the_python_application_loads_what_is_active_tells_its_health_and_says_when_it_cannot_load() =>
        GoThroughFileModeAsync("python3", Example("file_mode.py"), "--model", "fashion", "--state", _state.Root, "--run", _folder["run"]);

    [NeedsProgramFact("g++")]
    public Task In_file_mode_the_cpp_application_loads_what_is_active_tells_its_health_and_says_when_it_cannot_load() =>
        GoThroughFileModeAsync(Compile("file_mode.cpp"), "fashion", _state.Root, _folder["run"]);

    [NeedsProgramFact("python3")]
    public Task In_served_mode_the_python_application_asks_the_runner() =>
        AskTheRunnerAsync(state => ("python3", [Example("served.py"), "--socket", state["infer.sock"], "--model", "m", "--count", "3"]));

    [NeedsProgramFact("g++")]
    public Task In_served_mode_the_cpp_application_asks_the_runner() =>
        AskTheRunnerAsync(state => (Compile("served.cpp"), [state["infer.sock"], "m", "x", "1,4", "3"]));

    private async Task GoThroughFileModeAsync(string program, params string[] arguments)
    {
        Digest first = Artifact("first", "model.onnx");
        Digest second = Artifact("second", "model.onnx");
        Digest broken = Artifact("broken", "labels.txt");
        _slots.Write("fashion", first, null, null);
        // It does not run yet, and the hook says so and is content.
        Assert.Equal(first, (await _runner.ReconcileAsync("fashion", CancellationToken.None)).Find("fashion")!.Active);

        Process application = Start(program, arguments);
        await SpeaksOfAsync(first);

        _slots.Write("fashion", second, first, first);
        await _runner.ReconcileAsync("fashion", CancellationToken.None);
        RunnerModel after = await SpeaksOfAsync(second);
        Assert.Equal((0L, null), (after.Failures, after.Code));
        Assert.True(after.Outputs >= after.Requests - 1, $"{after.Outputs} outputs of {after.Requests} requests");

        _slots.Write("fashion", broken, second, first);
        RunnerModel refused = (await _runner.ReconcileAsync("fashion", CancellationToken.None)).Find("fashion")!;
        Assert.Equal((null, FailureCodes.HookFailed), (refused.Active, refused.Code));
        Assert.Contains("not loaded: ", refused.Error!, StringComparison.Ordinal);
        // It goes on with what it had, and takes the way back.
        _slots.Write("fashion", second, first, first);
        await _runner.ReconcileAsync("fashion", CancellationToken.None);
        await SpeaksOfAsync(second);
        Assert.False(application.HasExited);
    }

    [Fact]
    public async Task A_hook_finds_out_that_its_application_ended_while_it_loaded()
    {
        Digest first = Artifact("first", "model.onnx");
        Digest second = Artifact("second", "model.onnx");
        _slots.Write("fashion", first, null, null);
        await _runner.ReconcileAsync("fashion", CancellationToken.None);
        // Whatever knows no SIGHUP ends by it.
        Process application = Start("sleep", ["1000"]);
        _ = application.WaitForExitAsync();
        File.WriteAllText(_folder["run/pid"], $"{application.Id}");
        _slots.Write("fashion", second, first, first);

        RunnerModel refused = (await _runner.ReconcileAsync("fashion", CancellationToken.None)).Find("fashion")!;

        Assert.Equal(FailureCodes.HookFailed, refused.Code);
        Assert.Contains("the application ended while it loaded", refused.Error!, StringComparison.Ordinal);
    }

    private async Task AskTheRunnerAsync(Func<DeviceState, (string Program, string[] Arguments)> command)
    {
        using DeviceState state = new();
        state.Point("m", state.AddArtifact("m", TinyModel.AddBias([1, 2, 3, 4])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(state);
        (string program, string[] arguments) = command(state);

        Process application = Start(program, arguments, read: true);
        Task<string> errors = application.StandardError.ReadToEndAsync();
        string[] lines = (await application.StandardOutput.ReadToEndAsync().WaitAsync(s_patience)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await application.WaitForExitAsync().WaitAsync(s_patience);

        Assert.True(application.ExitCode == 0, await errors);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Contains("1,2,3,4", line.Replace(" ", "", StringComparison.Ordinal).Replace(".0", "", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    private async Task<RunnerModel> SpeaksOfAsync(Digest digest)
    {
        using CancellationTokenSource limit = new(s_patience);
        while (true)
        {
            RunnerModel model = (await _runner.StatusAsync(CancellationToken.None)).Find("fashion")!;
            if (model is { Waiting: null, Requests: > 0 } && model.Active == digest)
            {
                return model;
            }
            Assert.False(limit.IsCancellationRequested, $"it never spoke of {digest.Short}: {model}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private Digest Artifact(string content, string file)
    {
        Digest digest = Digest.Of(System.Text.Encoding.UTF8.GetBytes(content));
        Directory.CreateDirectory(_state.ArtifactFiles(digest));
        File.WriteAllText(Path.Join(_state.ArtifactFiles(digest), file), content);
        return digest;
    }

    private string Compile(string source)
    {
        string program = _folder[Path.GetFileNameWithoutExtension(source)];
        using Process compiler = Run("g++", ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, Example(source)]);
        string said = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, said);
        return program;
    }

    private Process Start(string program, string[] arguments, bool read = false)
    {
        Process process = Run(program, arguments);
        _processes.Add(process);
        if (!read)
        {
            process.OutputDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
        }
        return process;
    }

    private static Process Run(string program, string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
