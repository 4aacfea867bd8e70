namespace EdgeFleet.Compression.Recipes;

/// <summary>
/// What the devices' processors can do with 8 bit numbers; it decides formats that a pass leaves on <c>auto</c>. The machine
/// that compresses is never asked: the same recipe gives the same bytes everywhere.
/// </summary>
/// <param name="Activations">uint8 or int8: x64 kernels multiply unsigned by signed, ARM's dot product signed by signed.</param>
/// <param name="ReduceRange">
/// Weights within ±64: without VNNI, x64 adds two products in 16 bits, which only then cannot overflow
/// (2·255·64 = 32,640).
/// </param>
public sealed record TargetProfile(string Id, string Activations, bool ReduceRange, string Summary)
{
    public static IReadOnlyList<TargetProfile> All { get; } =
    [
        new("any", "uint8", true, "one file for a mixed fleet; costs about 3 dB against the profiles without reduced range"),
        new("x64-vnni", "uint8", false, "x64 with AVX-512 VNNI or AVX-VNNI"),
        new("x64-avx2", "uint8", true, "x64 without VNNI"),
        new("arm64", "int8", false, "64 bit ARM, with or without dot product instructions"),
    ];

    public static TargetProfile Find(string id) => All.First(profile => profile.Id == id);
}
