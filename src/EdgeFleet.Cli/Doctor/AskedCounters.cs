using System.Buffers.Binary;
using System.Globalization;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.PerfEvents;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Cli.Doctor;

/// <summary>Tries whether the kernel opens a counter, and closes it: a question that can be captured.</summary>
internal sealed class AskedCounters(IDeviceQuestions questions) : IPerfKernel
{
    public int Open(ReadOnlySpan<byte> attributes, int threadId, out Errno error)
    {
        byte[] asked = attributes.ToArray();
        error = questions.Ask(Question(BinaryPrimitives.ReadUInt32LittleEndian(attributes), BinaryPrimitives.ReadUInt64LittleEndian(attributes[8..])), () =>
        {
            int descriptor = PerfKernel.Host.Open(asked, threadId, out Errno refusal);
            if (descriptor >= 0)
            {
                PerfKernel.Host.Close(descriptor);
            }
            return new DeviceAnswer(refusal, "");
        }).Error;
        return error == Errno.None ? int.MaxValue : -1;
    }

    public bool Opens(PerfEvent item) => questions.Ask(Question((uint)item.Type, item.Config), () => DeviceAnswer.Failed(Errno.Enodata)).Error == Errno.None;

    public Errno Control(int descriptor, PerfRequest request) => Errno.None;

    /// <summary>Nothing is counted: the descriptor is closed already.</summary>
    public Errno Read(int descriptor, Span<byte> buffer, out int count)
    {
        buffer.Clear();
        count = buffer.Length;
        return Errno.None;
    }

    public void Close(int descriptor)
    {
    }

    private static string Question(uint type, ulong config) => string.Create(CultureInfo.InvariantCulture, $"perf_event_open {type} 0x{config:x}");
}
