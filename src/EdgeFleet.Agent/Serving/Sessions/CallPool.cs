using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>Prepared calls of one model for one set of input shapes, as many as ran at once. Taking and giving back makes no garbage.</summary>
internal sealed class CallPool(LoadedModel model, IReadOnlyList<IReadOnlyList<long>> shapes, int capacity) : IDisposable
{
    private readonly PreparedCall?[] _calls = new PreparedCall?[capacity];

    public bool Fits(List<OpenInference.RequestInput> inputs)
    {
        foreach (OpenInference.RequestInput input in inputs)
        {
            IReadOnlyList<long> shape = shapes[input.Index];
            for (int i = 0; i < shape.Count; i++)
            {
                if (shape[i] != input.Shape[i])
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <exception cref="InferenceException">A new call was needed and the model failed on these shapes.</exception>
    public PreparedCall Rent()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            if (Interlocked.Exchange(ref _calls[i], null) is { } call)
            {
                return call;
            }
        }
        return model.Prepare(shapes);
    }

    public void Return(PreparedCall call)
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _calls[i], call, null) is null)
            {
                return;
            }
        }
        call.Dispose();
    }

    public void Dispose()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            Interlocked.Exchange(ref _calls[i], null)?.Dispose();
        }
    }
}
