using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;

namespace EdgeFleet.Controller.Store;

/// <summary>JSON inside columns: what is read and written whole and never searched.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(HardwareFacts))]
[JsonSerializable(typeof(TrialPlan))]
internal sealed partial class StoreJsonContext : JsonSerializerContext;

internal static class StoreJson
{
    public static string Write(IReadOnlyDictionary<string, string> map) =>
        JsonSerializer.Serialize(map as Dictionary<string, string> ?? new(map), StoreJsonContext.Default.DictionaryStringString);

    public static Dictionary<string, string> ReadMap(string json) => JsonSerializer.Deserialize(json, StoreJsonContext.Default.DictionaryStringString) ?? [];

    public static string Write(HardwareFacts facts) => JsonSerializer.Serialize(facts, StoreJsonContext.Default.HardwareFacts);

    public static HardwareFacts ReadFacts(string json) => JsonSerializer.Deserialize(json, StoreJsonContext.Default.HardwareFacts)
        ?? throw new InvalidDataException("stored hardware facts are null");

    public static string Write(TrialPlan plan) => JsonSerializer.Serialize(plan, StoreJsonContext.Default.TrialPlan);

    public static TrialPlan ReadPlan(string json) => JsonSerializer.Deserialize(json, StoreJsonContext.Default.TrialPlan) ?? new TrialPlan();
}
