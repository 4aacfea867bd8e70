using EdgeFleet.Agent.Serving.Sources;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>Makes a session that is ready to answer: loaded, of the signed contract, warm, and sane on one input.</summary>
internal sealed class SessionLoader(InferenceOptions options, int concurrency, TimeProvider time)
{
    private const int WarmUpRuns = 3;

    /// <exception cref="InferenceException">The file does not load, has another contract, or answers with what is no number.</exception>
    public ActiveSession Load(string model, Digest digest, ModelFile file)
    {
        LoadedModel loaded = LoadedModel.Load(file.Path, options);
        try
        {
            ModelContract contract = file.Contract ?? loaded.Contract;
            if (ContractChecks.FirstMismatch(contract, loaded.Contract) is { } mismatch)
            {
                throw new ModelLoadException(file.Path, mismatch);
            }
            WarmUp(loaded, contract, file.Path);
            ActiveSession session = new(digest, loaded, contract, concurrency, time.GetUtcNow(), time.GetTimestamp()) { ModelName = model };
            session.PrepareFirst();
            return session;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    private static void WarmUp(LoadedModel loaded, ModelContract contract, string path)
    {
        IReadOnlyList<Tensor> inputs = SyntheticInputs.For(loaded.Contract, seed: 1);
        IReadOnlyList<Tensor> outputs = [];
        for (int i = 0; i < WarmUpRuns; i++)
        {
            outputs = loaded.Run(inputs);
        }
        for (int i = 0; i < outputs.Count; i++)
        {
            Tensor output = outputs[i];
            if (!ContractChecks.Allows(contract.Outputs[i], output.Shape))
            {
                throw new ModelLoadException(path, $"output '{output.Name}' has shape [{string.Join(',', output.Shape)}], the contract says {contract.Outputs[i]}");
            }
            if (!TensorChecks.AllFinite(output.ElementType, output.Data.Span))
            {
                throw new ModelLoadException(path, $"output '{output.Name}' is not finite on inputs between 0 and 1");
            }
        }
    }
}
