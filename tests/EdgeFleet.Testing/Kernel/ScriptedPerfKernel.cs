using System.Buffers.Binary;
using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Testing.Kernel;

/// <summary>
/// A kernel whose counters say what a test wants: each event, by its family and number, has a refusal or the answers of its
/// reads in order.
/// </summary>
public sealed class ScriptedPerfKernel : IPerfKernel
{
    private readonly Dictionary<(uint Type, ulong Config), Errno> _refusals = [];
    private readonly Dictionary<(uint Type, ulong Config), Queue<(long Value, long Enabled, long Running)>> _answers = [];
    private readonly List<(uint Type, ulong Config)> _opened = [];

    public List<byte[]> Attributes { get; } = [];

    public List<(int Descriptor, PerfRequest Request)> Requests { get; } = [];

    public HashSet<int> Open { get; } = [];

    /// <summary>What every read fails with from now on.</summary>
    public Errno ReadError { get; set; }

    public void Refuse(PerfEvent item, Errno error) => _refusals[((uint)item.Type, item.Config)] = error;

    public void Answer(PerfEvent item, params (long Value, long Enabled, long Running)[] answers) => _answers[((uint)item.Type, item.Config)] = new(answers);

    int IPerfKernel.Open(ReadOnlySpan<byte> attributes, int threadId, out Errno error)
    {
        Attributes.Add(attributes.ToArray());
        (uint, ulong) item = (BinaryPrimitives.ReadUInt32LittleEndian(attributes), BinaryPrimitives.ReadUInt64LittleEndian(attributes[8..]));
        error = _refusals.GetValueOrDefault(item);
        if (error != Errno.None)
        {
            return -1;
        }
        _opened.Add(item);
        Open.Add(_opened.Count - 1);
        return _opened.Count - 1;
    }

    public Errno Control(int descriptor, PerfRequest request)
    {
        Requests.Add((descriptor, request));
        return Errno.None;
    }

    public Errno Read(int descriptor, Span<byte> buffer, out int count)
    {
        count = 0;
        if (ReadError != Errno.None)
        {
            return ReadError;
        }
        (long value, long enabled, long running) = _answers[_opened[descriptor]].Dequeue();
        BinaryPrimitives.WriteInt64LittleEndian(buffer, value);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[8..], enabled);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[16..], running);
        count = 24;
        return Errno.None;
    }

    public void Close(int descriptor) => Open.Remove(descriptor);
}
