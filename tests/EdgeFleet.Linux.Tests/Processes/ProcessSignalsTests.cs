using System.Diagnostics;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Linux.Tests.Processes;

public sealed class ProcessSignalsTests
{
    [Fact]
    public async Task A_process_gets_the_signal_that_was_sent_and_no_other()
    {
        // Waits on its own input, which nobody closes or writes to: only a signal wakes it.
        using Process shell = Process.Start(
            new ProcessStartInfo("/bin/bash", ["-c", "trap 'echo again' HUP; trap 'echo end; exit 7' TERM; echo ready; while :; do read -r; done"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
        Assert.Equal("ready", await shell.StandardOutput.ReadLineAsync());

        Assert.True(ProcessSignals.TrySend(shell.Id, ProcessSignal.HangUp));
        Assert.Equal("again", await shell.StandardOutput.ReadLineAsync());
        Assert.False(shell.HasExited);

        Assert.True(ProcessSignals.TrySend(shell.Id, ProcessSignal.Terminate));
        Assert.Equal("end", await shell.StandardOutput.ReadLineAsync());
        await shell.WaitForExitAsync();
        Assert.Equal(7, shell.ExitCode);
    }

    [Fact]
    public async Task A_process_that_is_gone_is_no_error()
    {
        using Process shell = Process.Start("true");
        int id = shell.Id;
        await shell.WaitForExitAsync();

        Assert.False(ProcessSignals.TrySend(id, ProcessSignal.Terminate));
    }

    [Theory, InlineData(0), InlineData(-1)]
    public void A_number_that_means_many_processes_is_refused(int processId) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ProcessSignals.TrySend(processId, ProcessSignal.HangUp));
}
