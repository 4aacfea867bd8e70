using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Baseline and candidate loaded side by side. Where a session's memory happens to lie moves its latency by one percent or
/// two for as long as it lives, so a comparison needs many pairs of sessions: each is loaded in an order that the coin says,
/// behind padding of another size.
/// </summary>
internal sealed unsafe class SessionPair : IDisposable
{
    private const int LargestPadding = 256 * 1024;
    private readonly List<nint> _padding = [];
    private readonly List<LoadedModel> _models = [];

    /// <exception cref="BenchException">The two have different contracts.</exception>
    /// <exception cref="InferenceException">One does not load or does not run.</exception>
    public SessionPair(BenchJob job, InferenceOptions options, SeededCoin coin)
    {
        try
        {
            bool candidateFirst = coin.Flip();
            if (candidateFirst)
            {
                Candidate = Load(job.CandidatePath, job, options, coin);
            }
            Baseline = job.BaselinePath is null ? null : Load(job.BaselinePath, job, options, coin);
            Candidate ??= Load(job.CandidatePath, job, options, coin);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PreparedCall? Baseline { get; }

    public PreparedCall Candidate { get; }

    public void Dispose()
    {
        Baseline?.Dispose();
        Candidate?.Dispose();
        _models.ForEach(model => model.Dispose());
        _padding.ForEach(padding => NativeMemory.Free((void*)padding));
        _padding.Clear();
    }

    private PreparedCall Load(string path, BenchJob job, InferenceOptions options, SeededCoin coin)
    {
        // Touched, so that the pages behind it move too.
        nuint size = (nuint)coin.Below(LargestPadding) + 1;
        void* padding = NativeMemory.Alloc(size);
        NativeMemory.Clear(padding, size);
        _padding.Add((nint)padding);

        LoadedModel model = LoadedModel.Load(path, options);
        _models.Add(model);
        if (_models.Count == 2 && ContractChecks.FirstMismatch(_models[0].Contract, model.Contract) is { } mismatch)
        {
            throw new BenchException(BenchException.ContractChanged, $"model '{path}' against '{_models[0].Path}': {mismatch}");
        }
        PreparedCall call = model.Prepare();
        SyntheticInputs.Fill(call, job.Seed);
        return call;
    }
}
