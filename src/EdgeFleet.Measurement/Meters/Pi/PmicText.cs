using System.Buffers.Text;
using System.Text;

namespace EdgeFleet.Measurement.Meters.Pi;

/// <summary>
/// What <c>pmic_read_adc</c> answers: lines such as <c>VDD_CORE_A current(7)=1.54489000A</c> and <c>VDD_CORE_V
/// volt(15)=0.88725180V</c>. Rails are paired by name: the numbers in brackets are of the converter's channels.
/// </summary>
internal sealed class PmicText
{
    private readonly List<Rail> _rails = [];

    /// <summary>Rails with current and voltage, in the order of the first answer.</summary>
    public IReadOnlyList<string> Names => [.. _rails.Select(rail => rail.Name)];

    public int Count => _rails.Count;

    /// <summary>Takes the rails from a first answer. Those with a voltage alone (EXT5V, BATT) have no power.</summary>
    public void Learn(ReadOnlySpan<byte> answer)
    {
        _rails.Clear();
        HashSet<string> volts = [];
        List<string> amps = [];
        foreach (Range line in answer.Split((byte)'\n'))
        {
            if (TryParse(answer[line], out ReadOnlySpan<byte> name, out bool isAmps, out _))
            {
                string text = Encoding.UTF8.GetString(name);
                if (isAmps)
                {
                    amps.Add(text);
                }
                else
                {
                    volts.Add(text);
                }
            }
        }
        _rails.AddRange(amps.Where(volts.Contains).Distinct().Select(name => new Rail(name)));
    }

    /// <returns>The name of a rail that the answer has no figures of; null when all are there.</returns>
    public string? Read(ReadOnlySpan<byte> answer)
    {
        foreach (Rail rail in _rails)
        {
            (rail.Volts, rail.Amps) = (double.NaN, double.NaN);
        }
        foreach (Range line in answer.Split((byte)'\n'))
        {
            if (TryParse(answer[line], out ReadOnlySpan<byte> name, out bool isAmps, out double value))
            {
                foreach (Rail rail in _rails)
                {
                    if (name.SequenceEqual(rail.Bytes))
                    {
                        _ = isAmps ? rail.Amps = value : rail.Volts = value;
                        break;
                    }
                }
            }
        }
        foreach (Rail rail in _rails)
        {
            if (double.IsNaN(rail.Watts))
            {
                return rail.Name;
            }
        }
        return null;
    }

    public double Watts(int rail) => _rails[rail].Watts;

    public string Name(int rail) => _rails[rail].Name;

    /// <summary>Not a number, infinite and negative readings are none.</summary>
    private static bool TryParse(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out bool isAmps, out double value)
    {
        line = line.Trim(" \t\r\0"u8);
        int space = line.IndexOf((byte)' ');
        int equals = line.IndexOf((byte)'=');
        name = default;
        (isAmps, value) = (false, 0);
        if (space < 3 || equals < space || line.Length < equals + 3)
        {
            return false;
        }
        ReadOnlySpan<byte> channel = line[..space];
        isAmps = channel.EndsWith("_A"u8);
        byte unit = isAmps ? (byte)'A' : (byte)'V';
        ReadOnlySpan<byte> number = line[(equals + 1)..^1];
        name = channel[..^2];
        return (isAmps || channel.EndsWith("_V"u8)) && line[^1] == unit
            && Utf8Parser.TryParse(number, out value, out int used) && used == number.Length && double.IsFinite(value) && value >= 0;
    }

    private sealed class Rail(string name)
    {
        public string Name => name;

        public byte[] Bytes { get; } = Encoding.UTF8.GetBytes(name);

        public double Volts { get; set; }

        public double Amps { get; set; }

        public double Watts => Volts * Amps;
    }
}
