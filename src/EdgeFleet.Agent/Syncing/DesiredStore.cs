using System.Text.Json.Serialization;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Syncing;

/// <summary>What the controller wants this device to be, on disk before anything acts on it. Generation and epoch only go up.</summary>
internal sealed partial class DesiredStore
{
    private readonly StateFolder _state;
    private readonly ILogger<DesiredStore> _log;
    private volatile DesiredDocument _current;

    public DesiredStore(StateFolder state, ILogger<DesiredStore> log)
    {
        _state = state;
        _log = log;
        _current = StateFile.Read(
            state.Files, state.Desired, DesiredJsonContext.Default.DesiredDocument,
            document => document.SchemaVersion, DesiredDocument.CurrentSchemaVersion, LogQuarantined) ?? new DesiredDocument();
    }

    /// <summary>The newest that is stored: which generation, and of which epoch.</summary>
    public (long Generation, long Epoch) Known
    {
        get
        {
            DesiredDocument current = _current;
            return (current.Generation, current.Epoch);
        }
    }

    public long Generation => _current.Generation;
    public IReadOnlyDictionary<string, DesiredDeployment> Models => _current.Models;

    public DesiredDeployment? Find(string model) => _current.Models.GetValueOrDefault(model);

    /// <summary>Takes in a newer state; returns the models that changed. An older one is ignored.</summary>
    public IReadOnlyList<string> Accept(DesiredState state)
    {
        DesiredDocument before = _current;
        if (state.Generation <= before.Generation || state.Epoch < before.Epoch)
        {
            LogIgnored(state.Generation, state.Epoch, before.Generation, before.Epoch);
            return [];
        }
        DesiredDocument after = new() { Generation = state.Generation, Epoch = state.Epoch, Models = state.Models };
        try
        {
            Save(after);
        }
        catch (IOException ex) when (DiskReserve.IsFull(ex))
        {
            // It may be a rollback, and that has to fit.
            new DiskReserve(_state).GiveUp();
            Save(after);
        }
        _current = after;
        LogAccepted(after.Generation, after.Models.Count);
        return [.. before.Models.Keys.Union(after.Models.Keys)
            .Where(model => before.Models.GetValueOrDefault(model) != after.Models.GetValueOrDefault(model))];
    }

    private void Save(DesiredDocument document) =>
        StateFile.Write(_state.Files, _state.Desired, document, DesiredJsonContext.Default.DesiredDocument);

    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "Desired state: generation {Generation} with {Models} models is stored")]
    private partial void LogAccepted(long generation, int models);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Desired state: generation {Generation} of epoch {Epoch} is ignored; this device has generation {Known} of epoch {KnownEpoch}")]
    private partial void LogIgnored(long generation, long epoch, long known, long knownEpoch);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Error, Message = "{Path} was damaged ({Reason}) and is put aside as .bad; the controller is asked for it again")]
    private partial void LogQuarantined(string path, string reason);
}

/// <summary><c>desired.json</c>.</summary>
internal sealed record DesiredDocument
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public long Generation { get; init; }
    public long Epoch { get; init; }
    public IReadOnlyDictionary<string, DesiredDeployment> Models { get; init; } = new Dictionary<string, DesiredDeployment>();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DesiredDocument))]
internal sealed partial class DesiredJsonContext : JsonSerializerContext;
