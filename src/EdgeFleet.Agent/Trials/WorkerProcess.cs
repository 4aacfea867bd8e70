using System.Runtime.InteropServices;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// What both workers do around their work: they yield to serving, die with the supervisor, answer in lines, and turn each way
/// of failing into an error line and an exit code. A model may still take the process down; the supervisor sees that.
/// </summary>
internal static class WorkerProcess
{
    public const int Done = 0;
    public const int WorldFailed = 3;

    /// <param name="work">What the worker is there for.</param>
    /// <param name="lower">Makes this process yield: from <see cref="ProcessTraits"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<int> RunAsync(Func<WorkerOutput, CancellationToken, Task> work, Action lower, CancellationToken cancellationToken)
    {
        WorkerOutput output = new(Console.Out);
        using CancellationTokenSource told = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            told.Cancel();
        });
        try
        {
            if (!ProcessTraits.DieWithParent())
            {
                return WorldFailed; // the supervisor is gone already, and nobody reads what this would write
            }
            lower();
            await work(output, told.Token);
            return Done;
        }
        catch (OperationCanceledException) when (told.IsCancellationRequested)
        {
            return Done;
        }
        catch (BenchException ex)
        {
            output.Write(WorkerLine.OfError(ex.OfBaseline ? WorkerErrors.BaselineFailed : ex.Code, ex.Message));
        }
        catch (WorkerException ex)
        {
            output.Write(WorkerLine.OfError(ex.Code, ex.Message));
        }
        catch (FormatException ex)
        {
            output.Write(WorkerLine.OfError(WorkerErrors.BadJob, ex.Message));
        }
        return WorldFailed;
    }
}

/// <summary>A worker ends without a result. The message names the thing and the value.</summary>
internal sealed class WorkerException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="WorkerErrors"/>.</summary>
    public string Code { get; } = code;
}

/// <summary>Standard output, line by line and flushed: a line is with the supervisor before the next thing can go wrong.</summary>
internal sealed class WorkerOutput(TextWriter writer)
{
    private readonly Lock _lock = new();

    public void Write(WorkerLine line)
    {
        lock (_lock)
        {
            writer.WriteLine(line.ToString());
            writer.Flush();
        }
    }
}
