using System.ComponentModel;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// Hooks as child processes. One that is too slow is ended with everything that it started; one that ended and left something
/// running behind it (a daemon that holds its output) has ended.
/// </summary>
internal sealed class ProcessHooks(TimeProvider time) : IHooks
{
    /// <summary>Of each of its two outputs.</summary>
    private const int LinesKept = 10;
    private const int LongestTail = 1000;
    private static readonly TimeSpan s_outputGrace = TimeSpan.FromMilliseconds(500);

    public async Task<HookResult> RunAsync(HookCall call, CancellationToken cancellationToken)
    {
        FileModeEntry entry = call.Entry;
        OutputTail said = new();
        OutputTail complained = new();
        ChildProcess hook;
        try
        {
            hook = await ChildProcess.StartAsync(new ChildProcessOptions
            {
                FileName = entry.Hook,
                Arguments = entry.Arguments,
                Environment = call.Environment,
                Family = true,
                OutputGrace = s_outputGrace,
                Log = complained.Add,
                Time = time,
            }).ConfigureAwait(false);
        }
        catch (Win32Exception ex)
        {
            return new HookResult.NotStarted($"the hook '{entry.Hook}' cannot be started: {ex.Message}");
        }
        await using (hook.ConfigureAwait(false))
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(entry.HookSeconds), time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(either.Token);
            Task output = ReadAsync(hook, said, ended.Token);
            try
            {
                ChildExit exit = await hook.WaitAsync(either.Token).ConfigureAwait(false);
                await Task.WhenAny(output, Task.Delay(s_outputGrace, time, either.Token)).ConfigureAwait(false);
                return exit.ExitCode == 0
                    ? new HookResult.Done()
                    : new HookResult.Failed($"the hook '{entry.Hook}' ended with exit code {exit.ExitCode}{Quote(said, complained)}");
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return new HookResult.TimedOut($"the hook '{entry.Hook}' did not end within {entry.HookSeconds} s and was ended{Quote(said, complained)}");
            }
            finally
            {
                hook.Kill();
                await ended.CancelAsync().ConfigureAwait(false);
                await output.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async Task ReadAsync(ChildProcess hook, OutputTail tail, CancellationToken cancellationToken)
    {
        await foreach (string line in hook.ReadLinesAsync(cancellationToken).ConfigureAwait(false))
        {
            tail.Add(line);
        }
    }

    private static string Quote(params OutputTail[] tails)
    {
        string[] said = [.. tails.Select(tail => tail.Text).Where(text => text.Length > 0)];
        return said.Length == 0 ? ", saying nothing" : $", saying: {string.Join(" | ", said)}";
    }

    private sealed class OutputTail
    {
        private readonly Queue<string> _last = new();

        public string Text
        {
            get
            {
                lock (_last)
                {
                    string text = string.Join(" | ", _last);
                    return text.Length <= LongestTail ? text : text[^LongestTail..];
                }
            }
        }

        public void Add(string line)
        {
            lock (_last)
            {
                if (_last.Count == LinesKept)
                {
                    _last.Dequeue();
                }
                _last.Enqueue(line);
            }
        }
    }
}
