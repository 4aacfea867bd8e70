using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement;

namespace EdgeFleet.Agent.Trials;

/// <summary>Loads baseline and candidate, both together where there is room.</summary>
internal static class ShadowModels
{
    /// <exception cref="WorkerException">A model does not load, or the contracts differ.</exception>
    public static IShadowModels Load(ShadowJob job, ISystemFiles device, SeededCoin coin)
    {
        InferenceOptions options = new() { IntraOpThreads = job.IntraOpThreads };
        LoadedModel? baseline = null, candidate = null;
        try
        {
            long before = Resident();
            baseline = LoadBaseline();
            TryRun(baseline);
            // What the candidate will take nobody knows before; what the baseline took is the best that can be said.
            long each = Math.Max(Resident() - before, new FileInfo(job.CandidatePath) is { Exists: true } file ? file.Length : 0);
            bool both = HasRoom(device, each, job.MemoryBudgetBytes);
            if (!both)
            {
                baseline.Dispose();
                NativeHeap.Trim();
            }
            candidate = LoadCandidate();
            if (ContractChecks.FirstMismatch(baseline.Contract, candidate.Contract) is { } mismatch)
            {
                throw new WorkerException(WorkerErrors.ContractChanged, $"model '{job.CandidatePath}' against '{job.BaselinePath}': {mismatch}");
            }
            if (!both)
            {
                return new AlternatingModels(() => Again(LoadBaseline), () => Again(LoadCandidate), coin, job.NoiseShare);
            }
            TryRun(candidate);
            ResidentModels models = new(new ShadowPair(baseline, candidate), coin, job.NoiseShare);
            (baseline, candidate) = (null, null);
            return models;
        }
        catch (ModelLoadException ex)
        {
            throw new WorkerException(WorkerErrors.ModelNotLoaded, ex.Message, ex);
        }
        finally
        {
            baseline?.Dispose();
            candidate?.Dispose();
        }

        LoadedModel LoadBaseline() => LoadedModel.Load(job.BaselinePath, options);
        LoadedModel LoadCandidate() => LoadedModel.Load(job.CandidatePath, options);
    }

    /// <summary>It loaded once: that it does not now is not the model's doing.</summary>
    private static LoadedModel Again(Func<LoadedModel> load)
    {
        try
        {
            return load();
        }
        catch (ModelLoadException ex)
        {
            throw new WorkerException(WorkerErrors.WorldFailed, ex.Message, ex);
        }
    }

    /// <summary>The device keeps the share of free memory below which a shadow rests, and the worker its budget.</summary>
    private static bool HasRoom(ISystemFiles device, long bytes, long budget)
    {
        DeviceMemory memory = DeviceMemory.Read(device);
        return Resident() + bytes <= budget
            && (memory.Available.Value is not { } available || memory.Total.Value is not { } total || available - bytes >= total * DeviceStrain.ScarceMemory);
    }

    private static long Resident() => ProcStatus.ReadSelf()?.ResidentBytes ?? 0;

    private static void TryRun(LoadedModel model)
    {
        try
        {
            model.Run(SyntheticInputs.For(model.Contract, seed: 1));
        }
        catch (InferenceException)
        {
            // It does not take inputs of ours; then loading it is all that is known of its memory.
            return;
        }
    }
}
