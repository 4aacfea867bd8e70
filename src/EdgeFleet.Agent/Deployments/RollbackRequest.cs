using System.Text.Json.Serialization;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Deployments;

/// <summary>A wish of someone at the device, left in <c>requests/</c> for the agent that runs.</summary>
internal sealed record RollbackRequest
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    public Digest? Target { get; init; }
    public required string Reason { get; init; }

    public void Leave(StateFolder state) =>
        StateFile.Write(state.Files, state.RollbackRequest(Model), this, RequestJsonContext.Default.RollbackRequest);

    /// <summary>Reads and removes what is there.</summary>
    public static IReadOnlyList<RollbackRequest> Take(StateFolder state)
    {
        List<RollbackRequest> requests = [];
        foreach (string name in state.Files.List(state.Requests))
        {
            string path = Path.Join(state.Requests, name);
            if (!name.StartsWith("rollback-", StringComparison.Ordinal) || !name.EndsWith(".json", StringComparison.Ordinal))
            {
                continue;
            }
            RollbackRequest? request = StateFile.Read(
                state.Files, path, RequestJsonContext.Default.RollbackRequest, found => found.SchemaVersion, CurrentSchemaVersion, static (_, _) => { });
            if (request is not null)
            {
                DurableFile.Delete(state.Files, path);
                requests.Add(request);
            }
        }
        return requests;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RollbackRequest))]
internal sealed partial class RequestJsonContext : JsonSerializerContext;
