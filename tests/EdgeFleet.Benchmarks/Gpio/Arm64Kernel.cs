namespace EdgeFleet.Benchmarks.Gpio;

/// <summary>
/// Debian's own kernel for arm64, fetched with apt from the sources of this machine into a folder of ours: the machine's
/// package lists and architectures stay as they are, and apt checks the signatures.
/// </summary>
internal static class Arm64Kernel
{
    /// <returns>The path of the kernel's image. It is kept: 60 MB once for each checkout.</returns>
    public static async Task<string> FetchAsync(CancellationToken cancellationToken)
    {
        string folder = Path.Join(Checkout.Root, "artifacts", "arm64-kernel");
        if (Find(folder) is { } kept)
        {
            return kept;
        }
        foreach (string below in new[] { "state/lists/partial", "cache/archives/partial", "image" })
        {
            Directory.CreateDirectory(Path.Join(folder, below));
        }
        string settings = Path.Join(folder, "apt.conf");
        await File.WriteAllTextAsync(
            settings,
            $"""
            APT::Architecture "arm64";
            APT::Architectures {"{"} "arm64"; {"}"};
            APT::Sandbox::User "root";
            Dir::State "{folder}/state";
            Dir::State::status "/dev/null";
            Dir::Cache "{folder}/cache";
            """,
            cancellationToken);
        Dictionary<string, string> apt = new() { ["APT_CONFIG"] = settings };
        await Tool.RunAsync("apt-get", ["update"], folder, apt, cancellationToken);
        // The name without a version is an empty package that needs the newest one.
        string depends = await Tool.RunAsync("apt-cache", ["depends", "--important", "linux-image-arm64"], folder, apt, cancellationToken);
        string package = depends.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(word => word.StartsWith("linux-image-", StringComparison.Ordinal) && word != "linux-image-arm64")
            ?? throw new IOException("this machine's package sources have no Debian kernel for arm64");
        await Tool.RunAsync("apt-get", ["download", package], folder, apt, cancellationToken);
        string archive = Directory.EnumerateFiles(folder, "linux-image-*.deb").Single();
        await Tool.RunAsync("dpkg-deb", ["--extract", archive, Path.Join(folder, "whole")], folder, apt, cancellationToken);
        string image = Directory.EnumerateFiles(Path.Join(folder, "whole", "boot"), "vmlinuz-*").Single();
        File.Move(image, Path.Join(folder, "image", Path.GetFileName(image)));
        foreach (string used in new[] { "whole", "state", "cache" })
        {
            Directory.Delete(Path.Join(folder, used), recursive: true);
        }
        File.Delete(archive);
        return Find(folder)!;
    }

    private static string? Find(string folder)
    {
        string image = Path.Join(folder, "image");
        return Directory.Exists(image) ? Directory.EnumerateFiles(image, "vmlinuz-*").Order(StringComparer.Ordinal).LastOrDefault() : null;
    }
}
