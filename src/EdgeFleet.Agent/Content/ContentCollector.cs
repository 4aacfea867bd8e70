using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Content;

/// <summary>
/// Removes what nothing names any more. What a slot names (active, previous, golden) and what a deployment in progress
/// names stays, whatever else is wrong.
/// </summary>
internal sealed partial class ContentCollector(StateFolder state, SlotTable slots, ILogger<ContentCollector> log)
{
    /// <param name="wanted">Digests of deployments in progress, and of those that may begin.</param>
    public void Collect(IEnumerable<Digest> wanted)
    {
        HashSet<string> keep = [.. wanted.Select(digest => digest.Hex)];
        foreach (string model in slots.Models)
        {
            if (slots.Read(model) is { } known)
            {
                keep.UnionWith(known.All.Select(digest => digest.Hex));
            }
            else if (state.Files.Exists(state.Slots(model) + ".bad"))
            {
                // A slot file that cannot be read names nothing, and that must never cost the model that serves.
                LogNotCollected(model);
                return;
            }
        }

        int removed = RemoveOthers(state.Artifacts, keep) + RemoveOthers(state.Staging, keep);
        HashSet<string> blobs = [];
        foreach (string folder in new[] { state.Artifacts, state.Staging })
        {
            foreach (string name in state.Files.List(folder))
            {
                if (!AddBlobs(StateFolder.Envelope(Path.Join(folder, name)), blobs))
                {
                    return;
                }
            }
        }
        removed += RemoveOthers(state.Content, blobs);
        blobs = [.. blobs.Select(hex => hex + ".part")];
        removed += RemoveOthers(state.Partial, blobs);
        if (removed > 0)
        {
            LogCollected(removed);
        }
    }

    /// <summary>False: a kept manifest cannot be read, so what it names is not known and nothing may go.</summary>
    private bool AddBlobs(string envelope, HashSet<string> blobs)
    {
        if (state.Files.Read(envelope) is not { } bytes)
        {
            return true;
        }
        try
        {
            // Whoever stored it had verified it.
            blobs.UnionWith(ArtifactManifest.FromBytes(DsseEnvelope.Parse(bytes).Payload.Span).Files.Select(file => file.Sha256.Hex));
            return true;
        }
        catch (FormatException ex)
        {
            LogUnreadable(envelope, ex.Message);
            return false;
        }
    }

    private int RemoveOthers(string folder, HashSet<string> keep)
    {
        int removed = 0;
        foreach (string name in state.Files.List(folder))
        {
            if (!keep.Contains(name))
            {
                state.Files.DeleteDirectory(Path.Join(folder, name));
                state.Files.Delete(Path.Join(folder, name));
                removed++;
            }
        }
        return removed;
    }

    [LoggerMessage(EventId = 3311, Level = LogLevel.Information, Message = "{Removed} files and folders that nothing names any more are removed")]
    private partial void LogCollected(int removed);

    [LoggerMessage(EventId = 3312, Level = LogLevel.Warning, Message = "Nothing is collected: the slots of model {Model} cannot be read")]
    private partial void LogNotCollected(string model);

    [LoggerMessage(EventId = 3313, Level = LogLevel.Warning, Message = "Nothing is collected: {Path} cannot be read ({Reason})")]
    private partial void LogUnreadable(string path, string reason);
}
