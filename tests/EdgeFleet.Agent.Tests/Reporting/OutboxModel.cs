using EdgeFleet.Agent.Reporting;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Reporting;

/// <summary>
/// An outbox beside the plainest account of what was put into it, and a controller that counts what it was given. Every step
/// checks the laws: order, no loss without a declared gap, the cap, what may be dropped, and that nothing comes back changed.
/// </summary>
internal sealed class OutboxModel
{
    public const string GapTopic = "edgefleet/v1/default/device-1/event/gap";
    private const string Folder = "/outbox";
    private static readonly OutboxOptions s_options = new() { CapacityBytes = 6000, SegmentBytes = 900 };
    private readonly ManualTimeProvider _time = new();
    private readonly Func<SimulatedDisk, IFileStore> _wrap;
    private readonly Dictionary<int, ReportClass> _classes = [];
    private readonly Dictionary<int, string> _topics = [];
    /// <summary>Number → report, of this incarnation.</summary>
    private readonly Dictionary<long, int> _numbered = [];
    private readonly HashSet<int> _durable = [];
    private readonly HashSet<int> _delivered = [];
    private readonly HashSet<int> _declared = [];
    /// <summary>Dropped by a step that the power cut in the middle, with damage to the file that said so.</summary>
    private readonly HashSet<int> _cutWithDeclaration = [];
    private readonly HashSet<long> _seen = [];
    private SimulatedDisk _disk = new();
    private Outbox _outbox;
    private long _contiguous;
    /// <summary>The highest number that was acknowledged; a start may know of less, because no file is written for it.</summary>
    private long _acknowledged;
    private int _reports;

    public OutboxModel(Func<SimulatedDisk, IFileStore>? wrap = null)
    {
        _wrap = wrap ?? (disk => disk);
        _disk.CreateDirectory(Folder, DurableDirectory.PublicMode);
        _disk.FlushDirectory("/");
        _outbox = Open();
    }

    public int Drops => _declared.Count;
    public int Salvages { get; private set; }
    public int Cuts { get; private set; }

    public void Step(Random random)
    {
        switch (random.Next(20))
        {
            case < 10: Guarded(random, () => Append(random), mayDrop: true); break;
            case < 13: Guarded(random, Flush); break;
            case < 15: Deliver(random.Next(1, 8)); break;
            case < 17: Guarded(random, Acknowledge); break;
            case 17: Restart(); break;
            default: _time.Advance(TimeSpan.FromSeconds(1)); break;
        }
        Check();
    }

    /// <summary>The link is back and stays: everything that was not dropped arrives, and nothing is left.</summary>
    public void Drain()
    {
        Flush();
        while (Deliver(100))
        {
            Acknowledge();
        }
        Acknowledge();
        Assert.Equal((0, _outbox.LastSeq), (_outbox.Count, _contiguous));
        Assert.Empty(_durable.Except(_delivered).Except(_declared).Except(_cutWithDeclaration));
    }

    private void Append(Random random)
    {
        bool evidence = random.Next(3) > 0;
        int report = ++_reports;
        ReportClass reportClass = evidence ? ReportClass.Evidence : ReportClass.State;
        string topic = evidence ? "edgefleet/v1/default/device-1/shadow/a" : $"edgefleet/v1/default/device-1/deployment/m-{random.Next(4)}";
        _classes[report] = reportClass;
        _topics[report] = topic;
        long before = _outbox.LastSeq;
        long seq = _outbox.Append(reportClass, topic, !evidence, new Wire.EventReport { Subject = $"{report}", Detail = new string('x', random.Next(300)) });
        // In between lies at most a declaration.
        Assert.InRange(seq, before + 1, before + 2);
        _numbered[seq] = report;
        // Above the cap by the report and one declaration at most. (A start may find more: what was acknowledged and still lies in a file.)
        Assert.True(_outbox.LiveBytes <= s_options.CapacityBytes + 1000, $"{_outbox.LiveBytes} bytes live");
    }

    private void Flush()
    {
        HashSet<int> written = [.. _numbered.Values];
        _outbox.Flush();
        _durable.UnionWith(written);
    }

    /// <summary>What a publisher would send next reaches the controller.</summary>
    private bool Deliver(int most)
    {
        IReadOnlyList<OutboxMessage> messages = _outbox.ReadAfter(Math.Max(_outbox.AcknowledgedSeq, _seen.Count > 0 ? _seen.Max() : 0), most);
        foreach (OutboxMessage message in messages)
        {
            _seen.Add(message.Seq);
            if (message.Topic == GapTopic)
            {
                foreach (long seq in Numbers(message))
                {
                    _seen.Add(seq);
                }
            }
            else
            {
                _delivered.Add(Report(message));
            }
        }
        while (_seen.Contains(_contiguous + 1))
        {
            _contiguous++;
        }
        return messages.Count > 0;
    }

    private void Acknowledge()
    {
        long before = _outbox.AcknowledgedSeq;
        _acknowledged = Math.Max(_acknowledged, _contiguous);
        _outbox.Acknowledge(_outbox.Boot, _contiguous);
        _outbox.Acknowledge(_outbox.Boot, before - 1);
        _outbox.Acknowledge(_outbox.Boot - 1, long.MaxValue);
        Assert.Equal(Math.Max(before, _contiguous), _outbox.AcknowledgedSeq);
    }

    private void Restart()
    {
        Flush();
        long[] before = [.. Live().Select(message => message.Seq)];
        (long boot, long last, long acknowledged) = (_outbox.Boot, _outbox.LastSeq, _outbox.AcknowledgedSeq);
        _outbox.Dispose();
        _outbox = Open();
        // What was acknowledged may come back until its file goes; the controller drops it. Nothing else differs.
        Assert.Equal((boot, last), (_outbox.Boot, _outbox.LastSeq));
        Assert.Equal(before, Live().Select(message => message.Seq).Where(seq => seq > acknowledged));
    }

    /// <summary>One time in eight the power goes before some change that the act makes.</summary>
    private void Guarded(Random random, Action act, bool mayDrop = false)
    {
        if (random.Next(8) > 0)
        {
            act();
            return;
        }
        _disk.CutBefore = _disk.Operations.Count + random.Next(1, 6);
        try
        {
            act();
            _disk.CutBefore = null;
        }
        catch (PowerCutException)
        {
            Cuts++;
            Recover(Enum.GetValues<PowerCutLoss>()[random.Next(5)], mayDrop);
        }
    }

    private void Recover(PowerCutLoss loss, bool mayHaveDropped)
    {
        long boot = _outbox.Boot;
        _disk = _disk.AfterPowerCut(loss);
        _outbox = Open();
        if (_outbox.Boot != boot)
        {
            Salvages++;
            Assert.True(_outbox.Boot > boot && _outbox.Salvaged is not null);
            (_contiguous, _acknowledged) = (0, 0);
            _seen.Clear();
            _numbered.Clear();
        }
        // What was not flushed may be gone; what is here keeps its order and its number.
        List<OutboxMessage> live = Live();
        foreach (OutboxMessage message in live.Where(message => message.Topic != GapTopic))
        {
            int report = Report(message);
            Assert.True(!_numbered.TryGetValue(message.Seq, out int known) || known == report, $"number {message.Seq} was report {known} and is {report}");
            _numbered[message.Seq] = report;
        }
        if (_outbox.Boot != boot && mayHaveDropped)
        {
            // A declaration that was written in this very step does not outlive its incarnation; that there was damage is told.
            _cutWithDeclaration.UnionWith(_durable.Except(_delivered).Except(_declared).Except(_numbered.Values));
            foreach (int lost in _cutWithDeclaration.Where(report => _classes[report] == ReportClass.State))
            {
                Assert.Contains(_numbered.Values, report => report > lost && _topics[report] == _topics[lost]);
            }
        }
        foreach (long lost in _numbered.Keys.Where(seq => seq > _outbox.LastSeq).ToArray())
        {
            Assert.DoesNotContain(_numbered[lost], _durable);
            _numbered.Remove(lost);
        }
        Flush();
    }

    private void Check()
    {
        List<OutboxMessage> live = Live();
        long[] numbers = [.. live.Select(message => message.Seq)];
        Assert.Equal(numbers.Order().Distinct(), numbers);
        List<int> reports = [.. live.Where(message => message.Topic != GapTopic).Select(Report)];
        Assert.Equal(reports.Order(), reports);

        HashSet<long> gap = [.. live.Where(message => message.Topic == GapTopic).TakeLast(1).SelectMany(Numbers)];
        foreach (long seq in gap)
        {
            if (_numbered.TryGetValue(seq, out int dropped))
            {
                _declared.Add(dropped);
            }
        }
        // Every number that a sender may have seen is here, acknowledged, or declared as dropped.
        HashSet<long> here = [.. numbers];
        foreach ((long seq, int report) in _numbered.Where(pair => _durable.Contains(pair.Value)))
        {
            Assert.True(seq <= _acknowledged || here.Contains(seq) || gap.Contains(seq), $"report {report} of number {seq} is gone and was not declared");
        }
        foreach (int report in _durable.Except(_numbered.Values))
        {
            Assert.True(_delivered.Contains(report) || _declared.Contains(report) || _cutWithDeclaration.Contains(report), $"report {report} did not live through a salvage");
        }

        // The newest state of each topic is never dropped, and evidence goes from its oldest end.
        foreach (IGrouping<string, int> topic in _numbered.Values.Where(report => _classes[report] == ReportClass.State).GroupBy(report => _topics[report]))
        {
            Assert.DoesNotContain(topic.Max(), _declared);
        }
        int[] evidence = [.. reports.Where(report => _classes[report] == ReportClass.Evidence && !_delivered.Contains(report))];
        int[] droppedEvidence = [.. _declared.Where(report => _classes[report] == ReportClass.Evidence)];
        // A salvage takes all that it can read, also what was dropped and still lay in a file: that only sends too much.
        Assert.True(Salvages > 0 || evidence.Length == 0 || droppedEvidence.Length == 0 || evidence.Min() > droppedEvidence.Max(), "newer evidence was dropped than what is kept");

        Assert.Equal(_outbox.Count, live.Count + Unflushed);
        long onDisk = _disk.List(Folder).Where(name => name.EndsWith(".log", StringComparison.Ordinal)).Sum(name => _disk.Length($"{Folder}/{name}") ?? 0);
        Assert.True(onDisk <= (2 * s_options.CapacityBytes) + (2 * s_options.SegmentBytes), $"{onDisk} bytes on disk for {_outbox.LiveBytes} live ones");
        Assert.InRange(_disk.List(Folder).Count(name => name.EndsWith(".bad", StringComparison.Ordinal)), 0, 20);
    }

    private int Unflushed => _outbox.Count - _outbox.ReadAfter(0, int.MaxValue).Count;

    private List<OutboxMessage> Live() => [.. _outbox.ReadAfter(0, int.MaxValue)];

    private static int Report(OutboxMessage message)
    {
        Wire.EventReport report = Wire.EventReport.Parser.ParseFrom(message.Payload);
        Assert.Equal((ulong)message.Seq, report.Header.Seq);
        return int.Parse(report.Subject, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static IEnumerable<long> Numbers(OutboxMessage message) => Wire.GapReport.Parser.ParseFrom(message.Payload).Dropped
        .SelectMany(range => Enumerable.Range((int)range.First, (int)(range.Last - range.First + 1)).Select(seq => (long)seq));

    private Outbox Open() => Outbox.Open(_wrap(_disk), Folder, GapTopic, s_options, _time, NullLogger<Outbox>.Instance);
}
