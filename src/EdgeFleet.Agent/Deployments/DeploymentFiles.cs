using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments;

/// <summary>The records of deployments and what is remembered of digests, on disk.</summary>
internal sealed partial class DeploymentFiles(StateFolder state, ILogger<DeploymentFiles> log)
{
    public IReadOnlyList<string> Models =>
        [.. state.Files.List(state.Deployments).Where(name => name.EndsWith(".json", StringComparison.Ordinal)).Select(name => name[..^5])
            .Where(Identifier.IsValid)];

    public DeploymentRecord? Load(string model) => StateFile.Read(
        state.Files, state.Deployment(model), DeploymentJsonContext.Default.DeploymentRecord,
        record => record.SchemaVersion, DeploymentRecord.CurrentSchemaVersion, LogQuarantined);

    /// <summary>Returns when the record is on disk; only then may the next act begin.</summary>
    public void Save(DeploymentRecord record) =>
        StateFile.Write(state.Files, state.Deployment(record.Model), record, DeploymentJsonContext.Default.DeploymentRecord);

    public DigestMemory LoadMemory(string model) => StateFile.Read(
        state.Files, state.Memory(model), DeploymentJsonContext.Default.DigestMemory,
        memory => memory.SchemaVersion, DigestMemory.CurrentSchemaVersion, LogQuarantined) ?? new DigestMemory();

    public void RememberFailed(string model, Digest digest, int attempt, string code)
    {
        DigestMemory memory = LoadMemory(model);
        if (memory.Failed.TryGetValue(digest, out FailedDigest? known) && known.Attempt >= attempt)
        {
            return;
        }
        Dictionary<Digest, FailedDigest> failed = new(memory.Failed) { [digest] = new FailedDigest(attempt, code) };
        foreach (Digest oldest in failed.Keys.Where(key => key != digest).Take(failed.Count - DigestMemory.MaximumEntries).ToArray())
        {
            failed.Remove(oldest);
        }
        Save(model, memory with { Failed = failed });
    }

    public void RememberCommitted(string model, Digest digest)
    {
        DigestMemory memory = LoadMemory(model);
        if (memory.Committed.Contains(digest))
        {
            return;
        }
        List<Digest> committed = [.. memory.Committed, digest];
        if (committed.Count > DigestMemory.MaximumEntries)
        {
            committed.RemoveAt(1);
        }
        Save(model, memory with { Committed = committed });
    }

    private void Save(string model, DigestMemory memory) =>
        StateFile.Write(state.Files, state.Memory(model), memory, DeploymentJsonContext.Default.DigestMemory);

    [LoggerMessage(EventId = 3201, Level = LogLevel.Error, Message = "{Path} was damaged ({Reason}) and is put aside as .bad; the controller's desired state brings the rest back")]
    private partial void LogQuarantined(string path, string reason);
}
