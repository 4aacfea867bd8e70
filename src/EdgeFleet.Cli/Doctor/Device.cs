using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Cli.Doctor;

/// <summary>Where the device is that the doctor looks at.</summary>
internal enum DeviceKind
{
    /// <summary>The machine that this runs on.</summary>
    Own,
    /// <summary>What <c>--capture</c> packed, unpacked.</summary>
    Captured,
    /// <summary>A folder of files and nothing else.</summary>
    Folder,
}

/// <summary>A device to look at: its files, and what it answers besides. Everything that is asked is recorded.</summary>
internal sealed class Device
{
    /// <summary>Of what is no file, in a folder.</summary>
    public const string NotAsked = "a folder of files cannot be asked; the device itself can";

    private Device(DeviceKind kind, ISystemFiles files, IDeviceQuestions questions) => (Kind, Files, Questions) = (kind, new RecordingFiles(files), questions);

    public DeviceKind Kind { get; }

    public RecordingFiles Files { get; }

    public IDeviceQuestions Questions { get; }

    /// <summary>What was asked so far; on this machine only.</summary>
    public IReadOnlyDictionary<string, DeviceAnswer> Answers => Questions is RecordedQuestions recorded ? recorded.Answers : new Dictionary<string, DeviceAnswer>();

    /// <summary>A device as this machine would be, with other files and other answers.</summary>
    public static Device Of(ISystemFiles files, IDeviceQuestions questions) => new(DeviceKind.Own, files, new RecordedQuestions(questions));

    /// <exception cref="FormatException">The folder is a capture whose index cannot be read.</exception>
    public static Device At(string root)
    {
        if (root == "/")
        {
            return new Device(DeviceKind.Own, KernelFiles.Host, new RecordedQuestions());
        }
        return CapturedFiles.TryOpen(root) is { } captured
            ? new Device(DeviceKind.Captured, captured, new CapturedQuestions(captured.Index.Answers))
            : new Device(DeviceKind.Folder, new KernelFiles(root), new CapturedQuestions(new Dictionary<string, DeviceAnswer>()));
    }
}
