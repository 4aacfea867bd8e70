using System.Text.Json.Serialization;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Deployments;

/// <summary>A wish of someone at the device, left in <c>requests/</c> for the agent that runs.</summary>
internal sealed record RollbackRequest
{
    public const int CurrentSchemaVersion = 1;
    private const string Prefix = "rollback-";
    private const string Suffix = ".json";

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    public required Digest Target { get; init; }
    public required string Reason { get; init; }

    public void Leave(StateFolder state)
    {
        try
        {
            Write(state);
        }
        catch (IOException ex) when (DiskReserve.IsFull(ex))
        {
            // What is kept for a rollback is for asking for one too.
            new DiskReserve(state).GiveUp();
            Write(state);
        }
    }

    /// <summary>The models for which one was left.</summary>
    public static IReadOnlyList<string> Waiting(StateFolder state) =>
    [
        .. state.Files.List(state.Requests)
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length])
            .Where(Identifier.IsValid),
    ];

    public static RollbackRequest? Read(StateFolder state, string model) => StateFile.Read(
        state.Files, state.RollbackRequest(model), RequestJsonContext.Default.RollbackRequest, found => found.SchemaVersion, CurrentSchemaVersion, static (_, _) => { });

    private void Write(StateFolder state) => StateFile.Write(state.Files, state.RollbackRequest(Model), this, RequestJsonContext.Default.RollbackRequest);

    /// <summary>Removes it, once what it asks for is on disk.</summary>
    public static void Remove(StateFolder state, string model) => DurableFile.Delete(state.Files, state.RollbackRequest(model));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RollbackRequest))]
internal sealed partial class RequestJsonContext : JsonSerializerContext;
