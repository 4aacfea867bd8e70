using System.Buffers.Binary;
using System.Diagnostics;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Testing.Kernel;

/// <summary>
/// A chip with one line in time of its own: edges come at the moments that a test wrote down, waiting takes no time, and what
/// is set is remembered with the moment of the machine's clock.
/// </summary>
public sealed class ScriptedGpioChip : IGpioKernel
{
    private const int ChipDescriptor = 100, LineDescriptor = 101, SharedDescriptor = 102;
    private readonly Queue<(TimeSpan At, bool Rising)> _edges = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _now;
    private bool _high = true;

    public Errno OpenError { get; set; }

    public Errno LineError { get; set; }

    public Errno SetError { get; set; }

    public Errno ReadError { get; set; }

    /// <summary>Completes when every edge was read and somebody waits for another without a limit.</summary>
    public Task Idle => _idle.Task;

    public List<byte[]> Requests { get; } = [];

    public HashSet<int> Descriptors { get; } = [];

    public string? OpenedPath { get; private set; }

    /// <summary>What was set, with <see cref="Stopwatch"/> stamps.</summary>
    public List<(bool High, long Timestamp)> Sets { get; } = [];

    /// <summary>Adds an edge at a moment after the last one.</summary>
    public ScriptedGpioChip Edge(double milliseconds, bool rising)
    {
        _edges.Enqueue((TimeSpan.FromMilliseconds(milliseconds), rising));
        return this;
    }

    /// <summary>Time passes before anybody looks: what has happened until then is waiting.</summary>
    public void Sleep(double milliseconds) => _now += TimeSpan.FromMilliseconds(milliseconds);

    public int Open(string path, out Errno error)
    {
        OpenedPath = path;
        error = OpenError;
        if (error != Errno.None)
        {
            return -1;
        }
        Descriptors.Add(ChipDescriptor);
        return ChipDescriptor;
    }

    public Errno Control(int descriptor, uint request, Span<byte> argument)
    {
        switch (request)
        {
            case GpioFormat.GetLine:
                Debug.Assert(descriptor == ChipDescriptor);
                Requests.Add(argument.ToArray());
                if (LineError != Errno.None)
                {
                    return LineError;
                }
                BinaryPrimitives.WriteInt32LittleEndian(argument[588..], LineDescriptor);
                Descriptors.Add(LineDescriptor);
                return Errno.None;
            case GpioFormat.SetValues:
                Debug.Assert(descriptor is LineDescriptor or SharedDescriptor && argument[8] == 1);
                if (SetError != Errno.None)
                {
                    return SetError;
                }
                _high = argument[0] == 1;
                Sets.Add((_high, Stopwatch.GetTimestamp()));
                return Errno.None;
            case GpioFormat.GetValues:
                argument[0] = _high ? (byte)1 : (byte)0;
                return Errno.None;
            default:
                return Errno.Enotty;
        }
    }

    public Errno Read(int descriptor, Span<byte> buffer, out int count)
    {
        count = 0;
        if (ReadError != Errno.None)
        {
            return ReadError;
        }
        (TimeSpan at, bool rising) = _edges.Dequeue();
        buffer.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(buffer, at.Ticks * 100);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[8..], rising ? 1u : 2u);
        count = 48;
        return Errno.None;
    }

    public bool WaitReadable(int descriptor, TimeSpan limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_edges.TryPeek(out (TimeSpan At, bool Rising) next) && (limit == Timeout.InfiniteTimeSpan || next.At <= _now + limit))
        {
            _now = next.At > _now ? next.At : _now;
            return true;
        }
        if (limit != Timeout.InfiniteTimeSpan)
        {
            _now += limit;
            return false;
        }
        _idle.TrySetResult();
        cancellationToken.WaitHandle.WaitOne();
        throw new OperationCanceledException(cancellationToken);
    }

    public int Share(int descriptor, out Errno error)
    {
        Debug.Assert(descriptor == LineDescriptor);
        error = Errno.None;
        Descriptors.Add(SharedDescriptor);
        return SharedDescriptor;
    }

    public void Close(int descriptor) => Descriptors.Remove(descriptor);
}
