using EdgeFleet.Core;
using EdgeFleet.Testing;

namespace EdgeFleet.Rollouts.Tests.Specs;

/// <summary>The files that are shipped to be copied.</summary>
internal static class FleetFiles
{
    public static readonly Digest Candidate = Digest.Of("candidate"u8);

    public static string Folder { get; } = Path.Join(Checkout.Root, "fleet");

    public static IEnumerable<string> Paths(string folder) =>
        Directory.EnumerateFiles(Path.Join(Folder, folder), "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    /// <summary>With values in place of <c>${…}</c>, as <c>rollout apply --set</c> fills them.</summary>
    public static string Read(string path) => File.ReadAllText(path)
        .Replace("${candidate}", Candidate.ToString(), StringComparison.Ordinal)
        .Replace("${name}", "a-name", StringComparison.Ordinal)
        .Replace("${compare}", "equivalence", StringComparison.Ordinal);
}
