using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>
/// Buffers bound to a session once: write <see cref="Inputs"/>, <see cref="Invoke"/>, read <see cref="Outputs"/>. Invoke
/// allocates no managed memory. One caller at a time; several calls of one model may run side by side.
/// </summary>
public sealed class PreparedCall : IDisposable
{
    private readonly LoadedModel _model;
    private readonly OrtIoBinding _binding;
    private readonly PreparedTensor[] _inputs;
    private readonly PreparedTensor[] _outputs = [];

    internal PreparedCall(LoadedModel model, IReadOnlyList<IReadOnlyList<long>> inputShapes)
    {
        _model = model;
        if (inputShapes.Count != model.Contract.Inputs.Count)
        {
            throw new InferenceException($"model '{model.Path}' has {model.Contract.Inputs.Count} inputs, got shapes for {inputShapes.Count}");
        }
        _inputs = [.. model.Contract.Inputs.Select((spec, i) => new PreparedTensor(spec, inputShapes[i]))];
        _binding = model.Session.CreateIoBinding();
        try
        {
            foreach (PreparedTensor input in _inputs)
            {
                _binding.BindInput(input.Name, input.Value);
            }
            _outputs = BindOutputs();
        }
        catch (OnnxRuntimeException ex)
        {
            Dispose();
            throw new InferenceException($"model '{model.Path}': {ex.Message}", ex);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<PreparedTensor> Inputs => _inputs;

    public IReadOnlyList<PreparedTensor> Outputs => _outputs;

    /// <exception cref="InferenceException">The model failed, or an output had another shape than at preparation.</exception>
    public void Invoke()
    {
        try
        {
            _model.Session.RunWithBinding(_model.RunOptions, _binding);
        }
        catch (OnnxRuntimeException ex)
        {
            throw new InferenceException($"model '{_model.Path}': {ex.Message}", ex);
        }
    }

    public void Dispose()
    {
        _binding.Dispose();
        foreach (PreparedTensor tensor in _inputs.Concat(_outputs))
        {
            tensor.Release();
        }
    }

    /// <summary>The graph may leave an output's shape open, so one run on zeros tells what it is for these inputs.</summary>
    private PreparedTensor[] BindOutputs()
    {
        List<PreparedTensor> outputs = [];
        Dictionary<string, OrtValue> zeros = _inputs.ToDictionary(input => input.Name, input => input.Value);
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> probe = _model.Session.Run(_model.RunOptions, zeros, _model.Session.OutputNames);
            for (int i = 0; i < probe.Count; i++)
            {
                outputs.Add(new PreparedTensor(_model.Contract.Outputs[i], probe[i].GetTensorTypeAndShape().Shape));
                _binding.BindOutput(outputs[i].Name, outputs[i].Value);
            }
            return [.. outputs];
        }
        catch
        {
            outputs.ForEach(output => output.Release());
            throw;
        }
    }
}
