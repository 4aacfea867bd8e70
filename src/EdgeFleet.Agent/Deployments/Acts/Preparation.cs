using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Devices;
using EdgeFleet.Onnx.Scanning;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>
/// Offered to staged: admit, fetch, verify, stage. Each act finds out what of the earlier ones is still there and does the
/// rest again, so that a folder that was lost or damaged in between costs time and nothing else.
/// </summary>
internal sealed class Preparation(DeploymentServices services)
{
    private readonly ArtifactStore _store = services.Store;

    /// <summary>Takes it, or says with numbers why not. Only the manifest is fetched.</summary>
    public async Task<ActResult> AdmitAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        if (services.Files.LoadMemory(record.Model).Failed.TryGetValue(record.Digest, out FailedDigest? failed) && failed.Attempt >= record.Attempt)
        {
            return ActResult.Refusal(FailureCodes.FailedBefore, $"{record.Digest.Short} failed here in attempt {failed.Attempt} ({failed.Code}); a higher attempt tries it again");
        }
        VerifiedManifest verified = await ManifestAsync(record, cancellationToken).ConfigureAwait(false);
        HardwareFacts facts = services.Facts.Read();
        if (verified.Manifest.HardwareClasses.Count > 0 && !verified.Manifest.HardwareClasses.Contains(facts.ClassId))
        {
            return ActResult.Refusal(FailureCodes.OtherHardware, $"this device is '{facts.ClassId}'; the artifact is for {string.Join(", ", verified.Manifest.HardwareClasses)}");
        }
        long needed = _store.MissingBytes(verified.Manifest) + services.Options.ReserveBytes;
        long free = services.State.Files.AvailableBytes(services.State.Root);
        return needed > free
            ? ActResult.Refusal(FailureCodes.DiskFull, $"{needed} bytes are needed ({services.Options.ReserveBytes} of them as reserve), {free} are free")
            : ActResult.Success;
    }

    public async Task<ActResult> FetchAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        await FilesAsync(record, cancellationToken).ConfigureAwait(false);
        return ActResult.Success;
    }

    /// <summary>Digests and graph, and the contract against the artifact that serves now.</summary>
    public async Task<ActResult> VerifyAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        VerifiedManifest verified = await FilesAsync(record, cancellationToken).ConfigureAwait(false);
        if (services.State.Holds(record.Digest))
        {
            // Everything below was done before it got its name; only what serves now may be another.
            return CompareContract(record, verified.Manifest) ?? ActResult.Success;
        }
        string folder = _store.LayOut(verified, record.Digest, cancellationToken);
        ScanResult scan = services.Inspector.Inspect(folder, verified.Manifest);
        if (scan is ScanResult.Rejected rejected)
        {
            return ActResult.BadDigest(FailureCodes.BadModel, rejected.Detail);
        }
        ModelContract found = ((ScanResult.Accepted)scan).Model.Contract;
        ModelContract stated = verified.Manifest.Contract;
        if (new ModelContract(stated.Inputs, stated.Outputs).FirstDifference(new ModelContract(found.Inputs, found.Outputs)) is { } lie)
        {
            return ActResult.BadDigest(FailureCodes.BadModel, $"the manifest's contract is not the model's: {lie}");
        }
        return CompareContract(record, verified.Manifest) ?? ActResult.Success;
    }

    /// <summary>Loads it once in a worker, then gives it its final name.</summary>
    public async Task<ActResult> StageAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        if (services.State.Holds(record.Digest))
        {
            _store.Complete(record.Digest);
            return ActResult.Success;
        }
        VerifiedManifest? verified = _store.FindManifest(record.Model, record.Digest);
        string folder = Path.Join(services.State.Staged(record.Digest), "files");
        if (verified is null || verified.Manifest.Files.Any(file => services.State.Files.Length(Path.Join(folder, file.Path)) != file.SizeBytes))
        {
            ActResult again = await VerifyAsync(record, cancellationToken).ConfigureAwait(false);
            if (again != ActResult.Success)
            {
                return again;
            }
            verified = _store.FindManifest(record.Model, record.Digest)!;
        }
        Workers.TrialResult loaded = await services.Trials.LoadAsync(
            new Core.Evidence.BenchJob
            {
                CandidatePath = Path.Join(folder, verified.Manifest.EntryPoint),
                Session = new Core.Evidence.SessionChoice { Threads = services.Options.Threads },
                Looks = [],
                ColdStarts = 1,
                // Whether it loads can be found out on a busy device too.
                GateWaitSeconds = null,
                HardwareClass = services.Facts.Read().ClassId,
            },
            record.Plan.WorkerMemoryBytes,
            cancellationToken).ConfigureAwait(false);
        switch (loaded)
        {
            case Workers.TrialResult.ModelFailed failed:
                return new ActResult(Rollouts.Deployments.PhaseOutcome.Failure, failed.Code, failed.Detail) { AgainstDigest = true, Invariant = failed.Invariant };
            case Workers.TrialResult.WorldFailed failed:
                return ActResult.Retry(FailureCodes.WorkerFailed, failed.Detail);
            default:
                _store.Complete(record.Digest);
                return ActResult.Success;
        }
    }

    private async Task<VerifiedManifest> ManifestAsync(DeploymentRecord record, CancellationToken cancellationToken) =>
        _store.FindManifest(record.Model, record.Digest)
        ?? _store.TakeManifest(record.Model, record.Digest, await services.Source.GetManifestAsync(record.Digest, cancellationToken).ConfigureAwait(false));

    private async Task<VerifiedManifest> FilesAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        VerifiedManifest verified = await ManifestAsync(record, cancellationToken).ConfigureAwait(false);
        if (!services.State.Holds(record.Digest))
        {
            foreach (ArtifactFile file in verified.Manifest.Files)
            {
                await _store.FetchAsync(file, services.Source, cancellationToken).ConfigureAwait(false);
            }
        }
        return verified;
    }

    private ActResult? CompareContract(DeploymentRecord record, ArtifactManifest candidate)
    {
        Digest? active = services.Slots.Read(record.Model)?.Active;
        if (active is null || candidate.ApplicationVersions.Count > 0 || _store.FindManifest(record.Model, active.Value) is not { } serving)
        {
            return null;
        }
        return serving.Manifest.Contract.FirstDifference(candidate.Contract) is { } difference
            ? ActResult.Refusal(FailureCodes.OtherContract, $"another contract than {active.Value.Short}, which serves now: {difference}")
            : null;
    }
}
