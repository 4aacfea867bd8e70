namespace EdgeFleet.Benchmarks;

/// <summary>The checkout that is measured.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "EdgeFleet.sln")))
            {
                return at.FullName;
            }
        }
        throw new InvalidOperationException($"'{AppContext.BaseDirectory}' is not inside a checkout");
    }
}
