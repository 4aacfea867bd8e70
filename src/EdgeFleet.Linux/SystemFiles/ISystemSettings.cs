namespace EdgeFleet.Linux.SystemFiles;

/// <summary>What the kernel lets be set by writing a word into a small file, below the same root as <see cref="ISystemFiles"/>.</summary>
public interface ISystemSettings
{
    /// <summary>Opens, writes all of the text at once and closes. The file has to be there: nothing is created.</summary>
    Errno Write(string path, string text);
}
