namespace EdgeFleet.Linux.SystemFiles;

/// <summary>
/// Where <c>/proc</c>, <c>/sys</c>, <c>/var</c>, <c>/etc</c> and <c>/dev</c> are read. A test puts a folder of captured files
/// behind it, and errnos that plain files cannot give.
/// </summary>
public interface ISystemFiles
{
    /// <summary>The folder below which every path is read; <c>/</c> on a device.</summary>
    string Root { get; }

    /// <summary>Opens, reads to the end and closes. Paths are absolute, as on a device.</summary>
    FileText Read(string path);

    /// <summary>
    /// Opens once for many reads: sysfs computes the text anew at each. A file that cannot be opened answers its errno at each
    /// read and is tried again.
    /// </summary>
    ISystemFile Open(string path);

    /// <summary>Names in a folder in ordinal order; none where it is missing or cannot be listed.</summary>
    IReadOnlyList<string> List(string folder);

    /// <summary>Whether the path is there, whether or not it can be read.</summary>
    bool Exists(string path);

    /// <summary>Where a symbolic link points to, as written; null for what is no link.</summary>
    string? LinkTarget(string path);
}

/// <summary>A file that is read again and again from its beginning.</summary>
public interface ISystemFile : IDisposable
{
    string Path { get; }

    /// <summary>
    /// Reads from offset 0. After ENODEV, ENOENT or ENXIO the handle is opened anew once: drivers come back under the same path.
    /// </summary>
    /// <param name="buffer">Filled from its beginning; what is longer is cut.</param>
    /// <param name="count">Bytes read.</param>
    Errno Read(Span<byte> buffer, out int count);
}
