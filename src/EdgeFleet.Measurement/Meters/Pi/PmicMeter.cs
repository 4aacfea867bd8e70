using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Pi;

/// <summary>
/// The regulator of a Raspberry Pi 5: the sum of its rails, measured; or, where asked for, the board's power by a line through
/// it, modelled. What the rails do not see (USB ports, losses before the regulator) is only in the second.
/// </summary>
internal sealed class PmicMeter : IEnergyMeter
{
    private const int LongestAnswer = 4096;
    private readonly IFirmwareMailbox _mailbox;
    private readonly TimeProvider _time;
    private readonly PiBoardFit? _board;
    private readonly PmicText _text = new();
    private readonly byte[] _answer = new byte[LongestAnswer];
    private RailReading[] _parts = [];
    private string? _problem;
    private (Errno Error, string? Rail) _problemOf;

    public PmicMeter(IFirmwareMailbox mailbox, TimeProvider time, PiBoardFit? board)
    {
        (_mailbox, _time, _board) = (mailbox, time, board);
        Error = mailbox.Command("pmic_read_adc"u8, _answer, out int count);
        if (Error == Errno.None)
        {
            _text.Learn(_answer.AsSpan(0, count));
            _parts = new RailReading[_text.Count];
        }
        Identity = new MeterIdentity
        {
            Source = board is null ? "pi5 pmic rails" : "pi5 board by pmic rails",
            Chip = "DA9091 by the firmware's mailbox",
            Rails = _text.Names,
            Kind = MeterKind.Sampled,
            Scope = board is null ? MeterScope.Parts : MeterScope.Board,
            State = board is null ? ReadingState.Measured : ReadingState.Modelled,
            Note = board is null
                ? $"sum of {_text.Count} rails; the ports and the losses before the regulator are not in it"
                : FormattableString.Invariant($"{board.Slope} * the rails + {board.InterceptWatts} W, a line fitted to another board unless you gave your own"),
        };
    }

    public MeterIdentity Identity { get; }

    /// <summary>Of the last read.</summary>
    public Errno Error { get; private set; }

    public MeterReading Read(bool parts = true)
    {
        long before = _time.GetTimestamp();
        Error = _mailbox.Command("pmic_read_adc"u8, _answer, out int count);
        long after = _time.GetTimestamp();
        string? missing = Error == Errno.None ? _text.Count == 0 ? "" : _text.Read(_answer.AsSpan(0, count)) : null;
        if (Error != Errno.None || missing is not null)
        {
            return MeterReading.Absent(Explain(missing), before, after);
        }
        double sum = 0;
        for (int i = 0; i < _parts.Length; i++)
        {
            sum += _text.Watts(i);
            _parts[i] = new RailReading(_text.Name(i), _text.Watts(i), null, true, false);
        }
        if (sum == 0)
        {
            return MeterReading.Absent("pmic_read_adc: 0 W on all rails: nothing that runs draws nothing", before, after);
        }
        if (!Plausible.Watts(sum))
        {
            return MeterReading.Absent("pmic_read_adc: more than 10 kW on the rails", before, after);
        }
        return MeterReading.OfPower(_board is null ? sum : (_board.Slope * sum) + _board.InterceptWatts, before, after, parts ? _parts : default);
    }

    public void Dispose() => _mailbox.Dispose();

    private string Explain(string? rail)
    {
        if (_problem is null || _problemOf != (Error, rail))
        {
            _problemOf = (Error, rail);
            _problem = rail is null ? $"/dev/vcio: {Error.Describe()}"
                : rail.Length == 0 ? "pmic_read_adc: the firmware names no rail with current and voltage" : $"pmic_read_adc: no figures for the rail '{rail}'";
        }
        return _problem;
    }
}
