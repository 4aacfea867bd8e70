using System.Globalization;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>Hooks as real programs.</summary>
public sealed class ProcessHooksTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_hook_is_told_by_its_environment_and_its_arguments_and_no_shell_reads_them()
    {
        FileModeEntry entry = Hook("""printf '%s\n' "$EDGEFLEET_MODEL" "$1" "$2" > "$0.told" """) with { Arguments = ["two words", "$(touch oops); *"] };

        Assert.IsType<HookResult.Done>(await RunAsync(entry, new Dictionary<string, string> { ["EDGEFLEET_MODEL"] = "fashion" }));

        Assert.Equal(["fashion", "two words", "$(touch oops); *"], await File.ReadAllLinesAsync(entry.Hook + ".told"));
    }

    [Fact]
    public async Task Another_exit_code_than_zero_is_a_failure_that_quotes_the_end_of_both_outputs()
    {
        FileModeEntry entry = Hook("for i in $(seq 100); do echo line $i; done; echo 'cannot parse engine' >&2; exit 3");

        HookResult.Failed failed = Assert.IsType<HookResult.Failed>(await RunAsync(entry));

        Assert.Contains("ended with exit code 3", failed.Detail, StringComparison.Ordinal);
        Assert.Contains("line 100", failed.Detail, StringComparison.Ordinal);
        Assert.Contains("cannot parse engine", failed.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("line 50 ", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hook_that_is_too_slow_is_ended_with_everything_that_it_started()
    {
        FileModeEntry entry = Hook("""sleep 1000 & echo $! > "$0.child"; echo waiting; mv "$0.child" "$0.ready"; wait""");
        ManualTimeProvider time = new();
        Task<HookResult> running = RunAsync(entry, time: time);
        string ready = entry.Hook + ".ready";
        using CancellationTokenSource limit = new(s_patience);
        while (!File.Exists(ready))
        {
            Assert.False(limit.IsCancellationRequested, "the hook did not start");
            await Task.Yield();
        }
        int child = int.Parse(await File.ReadAllTextAsync(ready), CultureInfo.InvariantCulture);
        time.Advance(TimeSpan.FromSeconds(entry.HookSeconds));
        while (!running.IsCompleted)
        {
            Assert.False(limit.IsCancellationRequested, "the hook was not ended");
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }

        HookResult.TimedOut late = Assert.IsType<HookResult.TimedOut>(await running);
        Assert.Contains("did not end within 5 s", late.Detail, StringComparison.Ordinal);
        Assert.False(IsAlive(child), "what the hook started goes on");
    }

    [Fact]
    public async Task A_hook_that_leaves_a_daemon_behind_with_its_output_has_ended()
    {
        FileModeEntry entry = Hook("""sleep 1000 & echo $! > "$0.child"; exit 0""");

        HookResult result = await RunAsync(entry).WaitAsync(s_patience);

        int child = int.Parse(await File.ReadAllTextAsync(entry.Hook + ".child"), CultureInfo.InvariantCulture);
        Assert.True(IsAlive(child), "what a hook that ended well left running is its own affair");
        System.Diagnostics.Process.GetProcessById(child).Kill();
        Assert.IsType<HookResult.Done>(result);
    }

    [Fact]
    public async Task What_cannot_be_started_is_told_apart_from_a_failure()
    {
        string missing = _folder["missing"];
        string plain = _folder.Write("plain", "#!/bin/sh\nexit 0\n");

        Assert.Contains(missing, Assert.IsType<HookResult.NotStarted>(await RunAsync(new FileModeEntry { Model = "m", Hook = missing })).Detail, StringComparison.Ordinal);
        Assert.IsType<HookResult.NotStarted>(await RunAsync(new FileModeEntry { Model = "m", Hook = plain }));
    }

    [Fact]
    public async Task A_hook_is_ended_when_something_else_is_wanted()
    {
        FileModeEntry entry = Hook("""echo $$ > "$0.pid"; mv "$0.pid" "$0.ready"; exec sleep 1000""");
        using CancellationTokenSource stop = new();
        Task<HookResult> running = RunAsync(entry, stop: stop.Token);
        using CancellationTokenSource limit = new(s_patience);
        while (!File.Exists(entry.Hook + ".ready"))
        {
            Assert.False(limit.IsCancellationRequested, "the hook did not start");
            await Task.Yield();
        }
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(s_patience));
        Assert.False(IsAlive(int.Parse(await File.ReadAllTextAsync(entry.Hook + ".ready"), CultureInfo.InvariantCulture)));
    }

    private static bool IsAlive(int process) => File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);

    private FileModeEntry Hook(string script)
    {
        string path = _folder.Write("hook", $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new FileModeEntry { Model = "fashion", Hook = path, HookSeconds = 5 };
    }

    private static Task<HookResult> RunAsync(
        FileModeEntry entry, IReadOnlyDictionary<string, string>? environment = null, TimeProvider? time = null, CancellationToken stop = default) =>
        new ProcessHooks(time ?? TimeProvider.System).RunAsync(new HookCall(entry, environment ?? new Dictionary<string, string>()), stop);
}
