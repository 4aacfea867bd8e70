using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// The meter over the whole benchmark: at rest before the models are loaded and after they are freed, and in every cell. No
/// meter is a normal state, and then nothing waits for one.
/// </summary>
internal sealed class EnergyPhase : IDisposable
{
    /// <summary>A window needs twenty readings; this many periods leave room for one or two that are late.</summary>
    private const int PeriodsPerCell = 25;
    /// <summary>A counter that is read at both edges needs no number of readings, only a length that its steps do not matter for.</summary>
    private static readonly TimeSpan s_accumulatingCell = TimeSpan.FromSeconds(0.75);
    private const int LeadPeriods = 2;
    /// <summary>Before rest is measured, so much of its time is let go by.</summary>
    private const double SettleShare = 0.25;

    private readonly BenchSetup _setup;
    private readonly MeterSearch? _search;
    private readonly EnergyRecorder? _recorder;
    private readonly MeterFinding? _found;
    private readonly IEnergyMeter? _meter;
    private readonly string? _absent;
    private readonly TimeProvider _clock;
    private readonly long _begun;
    private readonly Dictionary<Cell, WindowEnergy> _windows = new(ReferenceEqualityComparer.Instance);
    private WindowEnergy? _idleBefore;
    private WindowEnergy? _idleAfter;

    /// <summary>Finds the meter; it is read from <see cref="Start"/> on.</summary>
    /// <param name="setup">The benchmark.</param>
    /// <param name="files">The device.</param>
    /// <param name="clock">Of the readings; null for the one that windows are timed by.</param>
    public EnergyPhase(BenchSetup setup, ISystemFiles files, TimeProvider? clock = null)
    {
        (_setup, _clock) = (setup, clock ?? TimeProvider.System);
        _begun = _clock.GetTimestamp();
        MeterChoice choice = setup.Job.Meter;
        if (choice.None || setup.Job.Looks.Count == 0)
        {
            _absent = "no meter was asked for";
            return;
        }
        _search = EnergyMeters.Find(files, ExternalMeter.OptionsOf(choice), _clock);
        _found = choice.External is null ? _search.Findings.FirstOrDefault(finding => ReferenceEquals(finding.Meter, _search.Best?.Identity)) : _search.Findings[0];
        // Who names a meter means that one: another in its place would be a figure of something else.
        _absent = choice.External is not null && _found!.Meter is null ? $"{_found.Source}: {_found.Reason}" : _search.AbsentReason;
        if (_absent is null && _search.Meters.FirstOrDefault(meter => ReferenceEquals(meter.Identity, _found!.Meter)) is { } meter)
        {
            _meter = meter;
            _recorder = new EnergyRecorder(meter, _clock);
        }
    }

    internal EnergyRecorder? Recorder => _recorder;

    /// <summary>How long a cell has to be for this meter, at least.</summary>
    public TimeSpan ShortestCell => _recorder?.Meter switch
    {
        null => TimeSpan.Zero,
        { } meter => Longest(meter.Kind == MeterKind.Accumulating ? s_accumulatingCell : PeriodsPerCell * meter.Period, meter.ShortestWindow),
    };

    /// <summary>How long the load is kept up before and after a cell's window.</summary>
    public TimeSpan Lead => _recorder is null ? TimeSpan.Zero : LeadPeriods * _recorder.Meter.Period;

    /// <summary>Why there is no energy of any block.</summary>
    public string AbsentReason => _absent ?? "the meter gave nothing in most of the blocks";

    /// <summary>The meter's part of the fingerprint.</summary>
    public string Fingerprint => _recorder is null ? "absent" : $"{_recorder.Meter.Source}, {_recorder.Meter.Chip}, every {_recorder.Meter.Period.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} ms";

    public void Start() => _recorder?.Start();

    public async Task MeasureRestBeforeAsync(CancellationToken cancellationToken) =>
        _idleBefore = await MeasureRestAsync(_setup.Job.IdleSeconds, cancellationToken).ConfigureAwait(false);

    public async Task MeasureRestAfterAsync(CancellationToken cancellationToken) =>
        _idleAfter = await MeasureRestAsync(_setup.Job.IdleSeconds / 2.0, cancellationToken).ConfigureAwait(false);

    /// <summary>ln(candidate / baseline) of the energy per inference in one block; null where a cell of it has none.</summary>
    public double? LogRatioOf(Block block) =>
        _setup.IsPaired && PerInference(block, MeasuredModel.Baseline) is { } baseline && PerInference(block, MeasuredModel.Candidate) is { } candidate && baseline > 0 && candidate > 0
            ? Math.Log(candidate / baseline)
            : null;

    /// <summary>Of the blocks that the meter saw; none where those are fewer than half, which would be a choice that nobody made.</summary>
    public IReadOnlyList<double> LogRatiosOf(IReadOnlyList<Block> valid)
    {
        double[] ratios = [.. valid.Select(LogRatioOf).OfType<double>()];
        return 2 * ratios.Length >= valid.Count ? ratios : [];
    }

    /// <summary>Reads the energy of a block's cells off the record, which does not reach back for ever.</summary>
    public void Take(Block block)
    {
        foreach (Cell cell in _recorder is null ? [] : block.Cells)
        {
            WindowOf(cell);
        }
    }

    public EnergyEvidence Evidence(IReadOnlyList<Block> valid, double alpha, List<string> warnings)
    {
        IReadOnlyList<string> others = [.. (_search?.Findings ?? []).Where(finding => finding.Meter != _recorder?.Meter && finding.Reason is not null).Select(finding => $"{finding.Source}: {finding.Reason}")];
        if (_recorder is null)
        {
            return EnergyEvidence.Absent(_absent!, others);
        }
        MeterIdentity meter = _recorder.Meter;
        ModelEnergy? candidate = Of(valid, MeasuredModel.Candidate, warnings);
        string? lost = valid.Count == 0 ? "no block counts" : candidate?.Total.Reason;
        PairedEstimate? estimate = lost is null ? PairedEstimate.Of(LogRatiosOf(valid), alpha) : null;
        warnings.AddRange(Doubts());
        return new EnergyEvidence
        {
            State = lost is null ? meter.State : ReadingState.Absent,
            Reason = lost,
            Source = meter.Source,
            Meter = Describe(meter),
            Ratio = estimate is null ? null : Math.Exp(estimate.Mean),
            Interval = estimate is { Lower: { } low, Upper: { } high } ? [Math.Exp(low), Math.Exp(high)] : null,
            Margin = _setup.Job.EnergyMargin,
            IdlePower = RestPower(),
            Baseline = _setup.IsPaired ? Of(valid, MeasuredModel.Baseline, warnings) : null,
            Candidate = candidate,
            Others = others,
        };
    }

    /// <summary>Mean power over the whole time, for a picture. Seconds count from the given moment.</summary>
    public IReadOnlyList<PowerSample> Trace(long from) => _recorder is null
        ? []
        : [.. _recorder.Trace(_begun, _clock.GetTimestamp()).Select(point => new PowerSample((double)(point.Ticks - from) / _clock.TimestampFrequency, point.Watts))];

    public void Dispose()
    {
        _recorder?.Dispose();
        _search?.Dispose();
    }

    private static TimeSpan Longest(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private async Task<WindowEnergy?> MeasureRestAsync(double seconds, CancellationToken cancellationToken)
    {
        // A device that serves is never at rest.
        if (_recorder is null || seconds <= 0 || _setup.Job.Condition == BenchCondition.Live)
        {
            return null;
        }
        _setup.Report("at rest", 0);
        await Task.Delay(TimeSpan.FromSeconds(seconds * SettleShare), _setup.Time, cancellationToken).ConfigureAwait(false);
        long begin = _clock.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(seconds), _setup.Time, cancellationToken).ConfigureAwait(false);
        return Between(begin, _clock.GetTimestamp());
    }

    private WindowEnergy WindowOf(Cell cell)
    {
        if (!_windows.TryGetValue(cell, out WindowEnergy? window))
        {
            _windows[cell] = window = Between(cell.Reply.BeginTicks, cell.Reply.EndTicks);
        }
        return window;
    }

    private WindowEnergy Between(long begin, long end)
    {
        _recorder!.WaitPast(end, 3 * _recorder.Meter.Period);
        return _recorder.Between(begin, end);
    }

    private double? PerInference(Block block, MeasuredModel model)
    {
        if (_recorder is null)
        {
            return null;
        }
        Cell[] cells = [.. block.Cells.Where(cell => cell.Model == model)];
        WindowEnergy[] windows = [.. cells.Select(WindowOf)];
        return WindowSum.Of(windows).Joules / cells.Sum(cell => cell.Reply.Inferences);
    }

    private ModelEnergy? Of(IReadOnlyList<Block> valid, MeasuredModel model, List<string> warnings)
    {
        Cell[] cells = [.. valid.SelectMany(block => block.Cells).Where(cell => cell.Model == model)];
        if (cells.Length == 0)
        {
            return null;
        }
        // A cell that the meter missed is left out with its inferences; how many is said.
        (Cell Cell, WindowEnergy Window)[] all = [.. cells.Select(cell => (cell, WindowOf(cell)))];
        (Cell Cell, WindowEnergy Window)[] metered = [.. all.Where(pair => pair.Window.Joules is not null)];
        if (2 * metered.Length < all.Length)
        {
            string why = all.First(pair => pair.Window.Joules is null).Window.Reason ?? "the meter gave nothing";
            Reading absent = Reading.Absent(metered.Length == 0 ? why : $"only {metered.Length} of {all.Length} cells were metered: {why}");
            return new ModelEnergy { Total = absent, Dynamic = absent };
        }
        if (metered.Length < all.Length)
        {
            warnings.Add($"energy of the {model.ToString().ToLowerInvariant()}: {all.Length - metered.Length} of {all.Length} cells were not metered: {all.First(pair => pair.Window.Joules is null).Window.Reason}");
        }
        WindowEnergy run = WindowSum.Of([.. metered.Select(pair => pair.Window)]);
        InferenceEnergy energy = IdleSubtraction.Of(run, _idleBefore ?? NoRest(), _idleAfter, metered.Sum(pair => pair.Cell.Reply.Inferences));
        if (energy.IdleDrift)
        {
            warnings.Add("the power at rest after the measurement differs from that before it; the energy above idle is less certain by the difference");
        }
        return new ModelEnergy
        {
            Total = ReadingOf(energy.Total),
            Dynamic = ReadingOf(energy.Dynamic),
            Uncertainty = energy.Total.StandardUncertainty,
            MeanWatts = run.MeanWatts,
            Samples = run.Samples,
            Dropped = run.Dropped,
            Gaps = run.Gaps,
        };
    }

    /// <summary>What makes a total that was measured less than a total: a rail that is off, or that has read nothing for long.</summary>
    private IEnumerable<string> Doubts()
    {
        if (_found?.Reason is { } limited)
        {
            yield return $"{_found.Source}: {limited}";
        }
        _recorder!.Stop();
        foreach (RailReading rail in _meter!.Read().Parts.ToArray().Where(rail => rail.Added && rail.Suspect))
        {
            yield return $"{_found?.Source}: the rail '{rail.Name}' reads 0 W all the time, so the total lacks whatever it carries";
        }
    }

    private WindowEnergy NoRest() => new()
    {
        State = ReadingState.Absent,
        Reason = _setup.Job.Condition == BenchCondition.Live ? "the device goes on serving and is never at rest" : "rest was not measured",
        Source = _recorder!.Meter.Source,
        Seconds = 0,
    };

    private Reading RestPower() => _idleBefore is { MeanWatts: { } watts } ? Reading.Measured(watts, "W", _recorder!.Meter.Source) : Reading.Absent((_idleBefore ?? NoRest()).Reason ?? "rest was not measured");

    private Reading ReadingOf(EnergyFigure figure) => figure.Joules is { } joules
        ? new Reading { State = figure.State, Value = joules, Unit = "J", Source = _recorder!.Meter.Source }
        : Reading.Absent(figure.Reason ?? "not measured");

    private static Dictionary<string, string> Describe(MeterIdentity meter)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        Dictionary<string, string> facts = new(StringComparer.Ordinal)
        {
            ["source"] = meter.Source,
            ["chip"] = meter.Chip,
            ["rails"] = string.Join(", ", meter.Rails),
            ["kind"] = meter.Kind.ToString().ToLowerInvariant(),
            ["scope"] = meter.Scope.ToString().ToLowerInvariant(),
            ["periodMs"] = meter.Period.TotalMilliseconds.ToString(culture),
            ["quantum"] = meter.QuantumWatts is { } watts ? string.Create(culture, $"{watts:0.####} W") : meter.QuantumJoules is { } joules ? string.Create(culture, $"{joules:0.########} J") : "absent",
        };
        if (meter.Note is { } note)
        {
            facts["note"] = note;
        }
        return facts;
    }
}
