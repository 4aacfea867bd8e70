using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>
/// The model of a host, in a session behind padding of its own. Where a session's memory happens to lie moves its latency by
/// one percent or two for as long as it lives; many sessions behind paddings of many sizes make that noise instead of bias.
/// </summary>
internal sealed unsafe class HostedSession : IDisposable
{
    private readonly void* _padding;
    private readonly LoadedModel _model;

    /// <exception cref="InferenceException">The model does not load or does not run, or the inputs are not its own.</exception>
    /// <param name="ended">Called when a step of loading is over.</param>
    public HostedSession(LoadRequest request, Action<string> ended)
    {
        if (request.Cpus is { } cpus)
        {
            ProcessorSet.Parse(cpus).Apply();
        }
        // Touched, so that the pages behind it move too.
        nuint size = (nuint)request.PaddingBytes + 1;
        _padding = NativeMemory.Alloc(size);
        NativeMemory.Clear(_padding, size);
        try
        {
            _model = LoadedModel.Load(request.Path, OptionsOf(request.Session));
            ended(MemoryPhases.Load);
            long start = Stopwatch.GetTimestamp();
            Call = _model.Prepare(request.Session.FreeDimension);
            FirstMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            ended(MemoryPhases.FirstInference);
            Feed = new InputFeed(Call, request.InputPath, request.Seed);
            Feed.Put(0);
            start = Stopwatch.GetTimestamp();
            Call.Invoke();
            SecondMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PreparedCall Call { get; } = null!;

    public InputFeed Feed { get; } = null!;

    public Core.Artifacts.ModelContract Contract => _model.Contract;

    public double LoadMs => _model.LoadTime.TotalMilliseconds;

    public double FirstMs { get; }

    public double SecondMs { get; }

    public static InferenceOptions OptionsOf(SessionChoice choice) => new()
    {
        IntraOpThreads = choice.Threads,
        AllowSpinning = choice.Spinning,
        MemoryArena = choice.Arena,
        Provider = choice.Provider,
    };

    public void Dispose()
    {
        Feed?.Dispose();
        Call?.Dispose();
        _model?.Dispose();
        NativeMemory.Free(_padding);
    }
}
