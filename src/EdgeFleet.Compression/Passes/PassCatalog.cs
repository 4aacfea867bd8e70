namespace EdgeFleet.Compression.Passes;

/// <summary>The passes of this build, found by their type.</summary>
public static class PassCatalog
{
    private static readonly SortedDictionary<string, ICompressionPass> s_passes = Discover();

    public static IReadOnlyList<string> Ids => [.. s_passes.Keys];

    public static IReadOnlyList<ICompressionPass> All => [.. s_passes.Values];

    public static ICompressionPass Find(string id) => s_passes[id];

    private static SortedDictionary<string, ICompressionPass> Discover()
    {
        SortedDictionary<string, ICompressionPass> passes = new(StringComparer.Ordinal);
        foreach (Type type in typeof(ICompressionPass).Assembly.GetTypes())
        {
            if (type is { IsAbstract: false, IsInterface: false } && type.IsAssignableTo(typeof(ICompressionPass)))
            {
                ICompressionPass pass = (ICompressionPass)Activator.CreateInstance(type)!;
                passes.Add(pass.Id, pass);
            }
        }

        return passes;
    }
}
