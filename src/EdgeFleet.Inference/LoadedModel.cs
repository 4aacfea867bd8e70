using System.Diagnostics;
using EdgeFleet.Core.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>
/// A model in an ONNX Runtime session. <see cref="Run"/> may be called from many threads at once; a
/// <see cref="PreparedCall"/> belongs to one caller at a time. Dispose only when no call is running.
/// Models are untrusted: whoever loads a stranger's model does it in a process that may die.
/// </summary>
public sealed class LoadedModel : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();

    private LoadedModel(string path, InferenceSession session, InferenceOptions options, ModelContract contract, TimeSpan loadTime) =>
        (Path, _session, Options, Contract, LoadTime) = (path, session, options, contract, loadTime);

    /// <summary>The file, or the name that was given for a model from memory.</summary>
    public string Path { get; }

    public InferenceOptions Options { get; }

    /// <summary>Names, types and shapes as the graph states them, in its order; -1 is a free dimension.</summary>
    public ModelContract Contract { get; }

    /// <summary>From opening the file to a session that can run, graph rewriting included.</summary>
    public TimeSpan LoadTime { get; }

    internal InferenceSession Session => _session;

    internal RunOptions RunOptions => _runOptions;

    /// <exception cref="ModelLoadException">The file is missing, is no model, or needs what this runtime does not have.</exception>
    public static LoadedModel Load(string path, InferenceOptions? options = null)
    {
        if (!File.Exists(path))
        {
            throw new ModelLoadException(path, "there is no such file");
        }
        return Load(path, options ?? new(), settings => new InferenceSession(path, settings));
    }

    /// <summary>Loads a model that was made in memory; <paramref name="name"/> stands for the file in messages.</summary>
    /// <exception cref="ModelLoadException">The bytes are no model, or need what this runtime does not have.</exception>
    public static LoadedModel Load(string name, byte[] model, InferenceOptions? options = null) =>
        Load(name, options ?? new(), settings => new InferenceSession(model, settings));

    private static LoadedModel Load(string path, InferenceOptions options, Func<SessionOptions, InferenceSession> open)
    {
        InferenceRuntime.Ensure();
        long start = Stopwatch.GetTimestamp();
        InferenceSession? session = null;
        try
        {
            using SessionOptions settings = SessionSettings.From(options);
            session = open(settings);
            return new LoadedModel(path, session, options, SessionSettings.ContractOf(session), Stopwatch.GetElapsedTime(start));
        }
        catch (Exception ex) when (ex is OnnxRuntimeException or NotSupportedException)
        {
            session?.Dispose();
            throw new ModelLoadException(path, ex.Message, ex);
        }
    }

    /// <summary>Runs once. The outputs are copies; all of them in the graph's order unless <paramref name="outputs"/> names some.</summary>
    /// <exception cref="InferenceException">The inputs do not fit the model, or it failed while running.</exception>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, IReadOnlyList<string>? outputs = null)
    {
        IReadOnlyList<string> wanted = outputs ?? _session.OutputNames;
        Dictionary<string, OrtValue> values = new(inputs.Count, StringComparer.Ordinal);
        List<System.Buffers.MemoryHandle> pins = new(inputs.Count);
        try
        {
            foreach (Tensor input in inputs)
            {
                pins.Add(input.Data.Pin());
                if (!values.TryAdd(input.Name, NativeTensor.Over(pins[^1], input)))
                {
                    throw new InferenceException($"model '{Path}': input '{input.Name}' is given twice");
                }
            }
            using IDisposableReadOnlyCollection<OrtValue> results = _session.Run(_runOptions, values, wanted);
            return [.. results.Select((value, i) => NativeTensor.Copy(wanted[i], value))];
        }
        catch (OnnxRuntimeException ex)
        {
            throw new InferenceException($"model '{Path}': {ex.Message}", ex);
        }
        finally
        {
            foreach (OrtValue value in values.Values)
            {
                value.Dispose();
            }
            foreach (System.Buffers.MemoryHandle pin in pins)
            {
                pin.Dispose();
            }
        }
    }

    /// <summary>
    /// Binds buffers for inputs of these shapes (in the contract's order; a free dimension needs its size here) and runs once
    /// with zeros to learn the shapes of the outputs.
    /// </summary>
    /// <exception cref="InferenceException">The shapes do not fit, or the model failed on zeros.</exception>
    public PreparedCall Prepare(IReadOnlyList<IReadOnlyList<long>> inputShapes) => new(this, inputShapes);

    /// <summary>Prepares with every free dimension set to <paramref name="freeDimension"/>.</summary>
    /// <exception cref="InferenceException">The model failed on zeros of that shape.</exception>
    public PreparedCall Prepare(long freeDimension = 1) =>
        Prepare([.. Contract.Inputs.Select(IReadOnlyList<long> (input) => [.. input.Shape.Select(size => size < 0 ? freeDimension : size)])]);

    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }
}
