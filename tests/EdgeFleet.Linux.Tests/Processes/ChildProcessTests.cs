using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Linux.Tests.Processes;

public sealed class ChildProcessTests
{
    [Fact]
    public async Task Lines_log_and_exit_code_come_back()
    {
        List<string> log = [];
        await using ChildProcess child = await ChildProcess.StartAsync(Shell("echo one; echo oops >&2; echo two; exit 3") with { Log = log.Add });

        Assert.Equal(["one", "two"], await LinesOf(child));
        ChildExit exit = await child.WaitAsync(CancellationToken.None);

        Assert.Equal(3, exit.ExitCode);
        Assert.False(exit.Signalled);
        Assert.Equal("oops", exit.LastLog);
        Assert.Equal(["oops"], log);
    }

    [Fact]
    public async Task A_worker_that_kills_itself_is_told_apart_from_one_that_exits()
    {
        await using ChildProcess child = await ChildProcess.StartAsync(Shell("kill -SEGV $$"));

        ChildExit exit = await child.WaitAsync(CancellationToken.None);

        Assert.True(exit.Signalled);
        Assert.Equal(128 + 11, exit.ExitCode);
    }

    [Fact]
    public async Task A_worker_that_grows_beyond_its_memory_is_ended()
    {
        // The shell reads endless zeros into a variable, so it grows until someone ends it.
        await using ChildProcess child = await ChildProcess.StartAsync(
            Shell("x=y; while :; do x=$x$x; done") with { MemoryLimitBytes = 32 << 20, MemoryCheckInterval = TimeSpan.FromMilliseconds(1) });

        ChildExit exit = await child.WaitAsync(CancellationToken.None);

        Assert.True(exit.MemoryLimitExceeded);
        Assert.True(exit.PeakResidentBytes > 32 << 20);
    }

    [Fact]
    public async Task Disposing_ends_the_worker()
    {
        ChildProcess child = await ChildProcess.StartAsync(Shell("echo ready; exec sleep 600"));
        await foreach (string line in child.ReadLinesAsync(CancellationToken.None))
        {
            Assert.Equal("ready", line);
            break;
        }
        int pid = child.Id;

        await child.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public async Task The_worker_learns_whose_child_it_is()
    {
        await using ChildProcess child = await ChildProcess.StartAsync(Shell("echo $EDGEFLEET_PARENT_PID"));

        Assert.Equal([Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)], await LinesOf(child));
    }

    [Fact]
    public async Task A_file_that_cannot_be_started_is_an_error_that_names_it()
    {
        var error = await Assert.ThrowsAsync<System.ComponentModel.Win32Exception>(
            () => ChildProcess.StartAsync(new ChildProcessOptions { FileName = "/no/such/worker" }));

        Assert.Contains("/no/such/worker", error.Message, StringComparison.Ordinal);
    }

    private static ChildProcessOptions Shell(string script) => new() { FileName = "/bin/sh", Arguments = ["-c", script] };

    private static async Task<List<string>> LinesOf(ChildProcess child)
    {
        List<string> lines = [];
        await foreach (string line in child.ReadLinesAsync(CancellationToken.None))
        {
            lines.Add(line);
        }
        return lines;
    }
}
