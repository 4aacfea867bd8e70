namespace EdgeFleet.Testing;

/// <summary>The folder of the repository that the tests were built from.</summary>
public static class Checkout
{
    public static string Root { get; } = Find();

    public static string File(string relative) => Path.Join(Root, relative);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Join(folder.FullName, "EdgeFleet.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no EdgeFleet.sln above '{AppContext.BaseDirectory}'");
    }
}
