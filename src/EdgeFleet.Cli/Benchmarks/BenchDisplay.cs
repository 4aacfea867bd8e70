using System.Globalization;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>
/// Where a benchmark is, while it runs: one line that is written over at a terminal, one line for each stage and look in a log.
/// </summary>
internal sealed class BenchDisplay(Output output) : IProgress<BenchProgress>, IDisposable
{
    private const int BarWidth = 24;
    private readonly bool _live = !output.IsJson && !Console.IsErrorRedirected;
    private readonly Lock _lock = new();
    private string _last = "";
    private bool _open;

    public void Report(BenchProgress value)
    {
        lock (_lock)
        {
            if (_live)
            {
                int done = (int)(Math.Clamp(value.Share, 0, 1) * BarWidth);
                string line = string.Create(CultureInfo.InvariantCulture, $"{value.Stage,-12} [{new string('#', done)}{new string('.', BarWidth - done)}] {value.Share,4:P0}  {value.Note}");
                int width = Console.WindowWidth > 1 ? Console.WindowWidth - 1 : 79;
                Console.Error.Write($"\r{line[..Math.Min(line.Length, width)].PadRight(width)}");
                _open = true;
                return;
            }
            string news = $"{value.Stage}{value.Note}";
            if (news != _last && (value.Note is null || value.Stage == "measuring"))
            {
                _last = news;
                output.Note(value.Note is null ? $"{value.Stage} …" : $"{value.Stage}: {value.Note}");
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_open)
            {
                Console.Error.WriteLine();
            }
            _open = false;
        }
    }
}
