using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Windows;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>
/// A process that holds one model and does what its standard input says, one line at a time; between requests it is blocked
/// on that pipe and costs nothing. A model that crashes takes only this process down.
/// </summary>
public sealed class ModelHost : IDisposable
{
    /// <summary>The argument with which a program becomes a model host.</summary>
    public const string Command = "model-host";

    /// <summary>The descriptor of the GPIO line that the coordinator shares with its hosts; absent where nobody watches.</summary>
    internal const string MarkerVariable = "EDGEFLEET_MARKER";

    private const int WorldFailed = 3;
    /// <summary>Before the coordinator and whatever serves.</summary>
    private const int OomScore = 900;

    private readonly CellLoop _loop = new();
    private readonly HostMemory _memory = new();
    private readonly WindowMarker _marker = int.TryParse(Environment.GetEnvironmentVariable(MarkerVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int line)
        ? new WindowMarker(new GpioLine(GpioKernel.Host, line))
        : WindowMarker.None;
    private HostCounters? _counters;
    private HostedSession? _session;

    private ModelHost() { }

    /// <summary>Serves requests until standard input ends.</summary>
    /// <returns>The exit code.</returns>
    public static int Run()
    {
        if (!ProcessTraits.DieWithParent())
        {
            return WorldFailed; // the coordinator is gone already
        }
        ProcessTraits.PreferAsVictim(OomScore);
        using FileStream results = ResultPipe.Take();
        using ModelHost host = new();
        Send(results, new HostReply { Ready = true });
        while (Console.In.ReadLine() is { } line)
        {
            Send(results, host.Answer(line));
        }
        return 0;
    }

    public void Dispose()
    {
        _session?.Dispose();
        _memory.Dispose();
        _marker.Dispose();
        _counters?.Dispose();
    }

    private HostReply Answer(string line)
    {
        try
        {
            HostRequest request = JsonSerializer.Deserialize(line, HostJsonContext.Default.HostRequest)!;
            return request switch
            {
                { Load: { } load } => new HostReply { Load = Load(load) },
                { Cell: { } cell } => new HostReply { Cell = Measure(cell) },
                { Outputs: { } outputs } => new HostReply { Outputs = OutputReader.Read(Session, outputs) },
                { Phase: { } phase } => new HostReply { Phase = _memory.End(phase.Ended) },
                _ => Unload(),
            };
        }
        catch (ModelLoadException ex)
        {
            return Failed(BenchException.ModelNotLoaded, ex);
        }
        catch (InferenceException ex)
        {
            return Failed(BenchException.ModelFailed, ex);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or FormatException or JsonException)
        {
            return Failed(BenchException.WorldFailed, ex);
        }
    }

    private HostedSession Session => _session ?? throw new InvalidOperationException("no model is loaded");

    private static HostReply Failed(string code, Exception ex) => new() { ErrorCode = code, Error = ex.Message };

    private LoadReply Load(LoadRequest request)
    {
        Unload();
        List<PhaseReply> phases = [];
        if (request.Counters)
        {
            _counters ??= new HostCounters();
        }
        Note(MemoryPhases.Process);
        _session = new HostedSession(request, Note);
        return new LoadReply(_session.LoadMs, _session.FirstMs, _session.SecondMs, _session.Feed.Count, _session.Contract, phases, _counters?.Groups ?? 0);

        void Note(string ended)
        {
            if (request.Phases)
            {
                phases.Add(_memory.End(ended));
            }
        }
    }

    private HostReply Unload()
    {
        _session?.Dispose();
        _session = null;
        NativeHeap.Trim();
        return new HostReply { Ready = true };
    }

    private CellReply Measure(CellRequest cell)
    {
        HostedSession session = Session;
        long[] starts = cell.MeanGapTicks is { } gap ? Arrivals.Draw(cell.Seed, gap, cell.DurationTicks, Math.Min(cell.MaximumSamples, CellLoop.Capacity)) : [];
        _loop.LeadIn(session.Call, session.Feed, cell);

        // What the account itself leaves behind is not the window's: the collector is asked last before and first after.
        ProcessorShare? share = ProcessorShare.ReadThread();
        long faults = _memory.MajorFaults();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        int collections = GC.CollectionCount(0);
        Open(cell);
        if (starts.Length > 0)
        {
            _loop.OfferedWindow(session.Call, session.Feed, cell, starts);
        }
        else
        {
            _loop.Window(session.Call, session.Feed, cell);
        }
        Close(cell);
        int processor = Thread.GetCurrentProcessorId();
        collections = GC.CollectionCount(0) - collections;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        faults = _memory.MajorFaults() - faults;
        ProcessorShare? spent = ProcessorShare.ReadThread() - share;

        CellLoop.LeadOut(session.Call, session.Feed, cell);
        return new CellReply
        {
            BeginTicks = _loop.BeginTicks,
            EndTicks = _loop.EndTicks,
            Inferences = _loop.Inferences,
            Unserved = _loop.Unserved,
            Nanos = _loop.NanosAsBytes(),
            FirstMicros = _loop.FirstNanos / 1000,
            Processor = processor,
            MajorFaults = faults,
            Collections = collections,
            AllocatedBytes = allocated,
            RunNanos = spent?.RunNanos,
            WaitNanos = spent?.WaitNanos,
            MarkFault = _marker.Fault == Errno.None ? null : _marker.Fault.Describe(),
            Counters = cell.CounterGroup is { } group ? _counters?.Read(group, _loop.Inferences) : null,
        };
    }

    private void Open(CellRequest cell)
    {
        if (cell.CounterGroup is { } group)
        {
            _counters?.Start(group);
        }
        if (cell.Mark)
        {
            _marker.Begin();
        }
    }

    private void Close(CellRequest cell)
    {
        if (cell.Mark)
        {
            _marker.End();
        }
        if (cell.CounterGroup is { } group)
        {
            _counters?.Stop(group);
        }
    }

    private static void Send(FileStream results, HostReply reply)
    {
        using MemoryStream line = new();
        JsonSerializer.Serialize(line, reply, HostJsonContext.Default.HostReply);
        line.WriteByte((byte)'\n');
        results.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
    }
}
