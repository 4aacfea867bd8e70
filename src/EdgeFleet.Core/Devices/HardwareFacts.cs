using System.Text;

namespace EdgeFleet.Core.Devices;

/// <summary>
/// What decides whether the measurements of two devices may be compared. The class id is made from these alone, so two
/// devices of one class agree on it without being told.
/// </summary>
/// <param name="Board">For example <c>nvidia-jetson-orin-nano</c> or <c>x64</c>.</param>
/// <param name="MemoryMiB">Physical memory, rounded to 256 MiB so that firmware reservations make no new class.</param>
/// <param name="PowerMode">For example the nvpmodel name; <c>default</c> where there is none.</param>
/// <param name="Runtime">Runtime and version, for example <c>onnxruntime-1.29.0</c>.</param>
/// <param name="Provider">Execution provider, for example <c>cpu</c>.</param>
/// <param name="Threads">The threads that inference may use on this device.</param>
public sealed record HardwareFacts(string Board, int MemoryMiB, string PowerMode, string Runtime, string Provider, int Threads)
{
    /// <summary>The hardware class: readable, stable, and safe in a path and a topic.</summary>
    public string ClassId => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{Safe(Board)}-{Memory}-{Safe(PowerMode)}-{Safe(Runtime)}-{Safe(Provider)}-{Threads}t");

    private string Memory => MemoryMiB > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{MemoryMiB / 1024.0:0.##}g") : "unknown-memory";

    private static string Safe(string text)
    {
        StringBuilder safe = new(text.Length);
        foreach (char c in text.ToLowerInvariant())
        {
            safe.Append(char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '-');
        }
        return safe.ToString().Trim('-');
    }
}
