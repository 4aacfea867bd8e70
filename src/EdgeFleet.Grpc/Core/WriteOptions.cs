using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>How a message is sent.</summary>
[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "The name is the official one.")]
public enum WriteFlags
{
    None = 0,

    /// <summary>More follows at once: the message need not be flushed alone.</summary>
    BufferHint = 1,

    /// <summary>Messages are never compressed here, so this changes nothing.</summary>
    NoCompress = 2,
}

/// <summary>How messages of a call are sent.</summary>
public sealed class WriteOptions(WriteFlags flags = WriteFlags.None)
{
    public static readonly WriteOptions Default = new();

    public WriteFlags Flags { get; } = flags;
}
