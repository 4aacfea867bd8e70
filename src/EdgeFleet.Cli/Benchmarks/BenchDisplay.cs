using System.Diagnostics;
using System.Globalization;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>
/// Where a benchmark is, while it runs: one line that is written over at a terminal, one line for each stage and look in a log.
/// </summary>
internal sealed class BenchDisplay : IProgress<BenchProgress>, IDisposable
{
    private const int BarWidth = 24;
    /// <summary>Stages that say nothing for longer than this show that they go on: an engine may take minutes to build.</summary>
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_redraw = TimeSpan.FromSeconds(1);
    private readonly Output _output;
    private readonly bool _live;
    private readonly Timer? _timer;
    private readonly Lock _lock = new();
    private BenchProgress? _shown;
    private long _since;
    private string _last = "";

    public BenchDisplay(Output output)
    {
        _output = output;
        _live = !output.IsJson && !Console.IsErrorRedirected;
        _timer = _live ? new Timer(_ => Redraw(), null, s_redraw, s_redraw) : null;
    }

    public void Report(BenchProgress value)
    {
        lock (_lock)
        {
            if (_live)
            {
                (_shown, _since) = (value, Stopwatch.GetTimestamp());
                Draw(value, TimeSpan.Zero);
                return;
            }
            string news = $"{value.Stage}{value.Note}";
            if (news != _last && (value.Note is null || value.Stage == "measuring"))
            {
                _last = news;
                _output.Note(value.Note is null ? $"{value.Stage} …" : $"{value.Stage}: {value.Note}");
            }
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            if (_shown is not null)
            {
                Console.Error.WriteLine();
            }
            _shown = null;
        }
    }

    private void Redraw()
    {
        lock (_lock)
        {
            if (_shown is { } shown && Stopwatch.GetElapsedTime(_since) is var quiet && quiet > s_quiet)
            {
                Draw(shown, quiet);
            }
        }
    }

    private static void Draw(BenchProgress value, TimeSpan quiet)
    {
        int done = (int)(Math.Clamp(value.Share, 0, 1) * BarWidth);
        string waiting = quiet > s_quiet ? string.Create(CultureInfo.InvariantCulture, $"{quiet.TotalSeconds:0} s  ") : "";
        string line = string.Create(CultureInfo.InvariantCulture, $"{value.Stage,-12} [{new string('#', done)}{new string('.', BarWidth - done)}] {value.Share,4:P0}  {waiting}{value.Note}");
        int width = Console.WindowWidth > 1 ? Console.WindowWidth - 1 : 79;
        Console.Error.Write($"\r{line[..Math.Min(line.Length, width)].PadRight(width)}");
    }
}
