namespace EdgeFleet.Testing.Brokers;

/// <summary>Where Debian's mosquitto and its command line clients are.</summary>
internal static class MosquittoTools
{
    public static string Find(string program)
    {
        // /usr/sbin is not on everybody's path.
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/usr/local/sbin"];
        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"'{program}' is not installed; these tests need Debian's packages: apt-get install mosquitto mosquitto-clients");
    }
}
