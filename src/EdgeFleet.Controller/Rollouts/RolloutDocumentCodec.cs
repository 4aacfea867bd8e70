using System.IO.Compression;
using System.Text.Json;
using EdgeFleet.Rollouts;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>The rules' records as they lie in the store.</summary>
internal static class RolloutDocumentCodec
{
    public static string Write(RolloutState state) => JsonSerializer.Serialize(state, RolloutsJsonContext.Default.RolloutState);

    public static RolloutState ReadState(string json) => JsonSerializer.Deserialize(json, RolloutsJsonContext.Default.RolloutState)
        ?? throw new InvalidDataException("a stored rollout state is null");

    public static string Write(PolicySpec policy) => JsonSerializer.Serialize(policy, RolloutsJsonContext.Default.PolicySpec);

    public static PolicySpec ReadPolicy(string json) => JsonSerializer.Deserialize(json, RolloutsJsonContext.Default.PolicySpec)
        ?? throw new InvalidDataException("a stored policy is null");

    /// <summary>A verdict carries every tick that it was computed from; packed it is a tenth.</summary>
    public static byte[] Write(StoredVerdict verdict)
    {
        using MemoryStream packed = new();
        using (BrotliStream brotli = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            JsonSerializer.Serialize(brotli, verdict, RolloutsJsonContext.Default.StoredVerdict);
        }
        return packed.ToArray();
    }

    public static StoredVerdict ReadVerdict(byte[] bytes)
    {
        using BrotliStream brotli = new(new MemoryStream(bytes), CompressionMode.Decompress);
        return JsonSerializer.Deserialize(brotli, RolloutsJsonContext.Default.StoredVerdict) ?? throw new InvalidDataException("a stored verdict is null");
    }
}
