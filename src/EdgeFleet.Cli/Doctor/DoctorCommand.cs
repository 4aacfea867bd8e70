using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Benchmarks;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Cli.Doctor;

/// <summary><c>edgefleet doctor</c>: what a device can tell of a measurement, what not and why, and what to do about it.</summary>
internal static class DoctorCommand
{
    private static readonly Option<DirectoryInfo?> s_root = new("--root") { Description = "Look at an unpacked capture, or at any folder of kernel files, instead of at this machine.", HelpName = "DIR" };
    private static readonly Option<FileInfo?> s_capture = new("--capture") { Description = "Pack the files that were looked at as .tar.gz, without serial numbers, hardware addresses and host name.", HelpName = "FILE" };

    public static Command Create()
    {
        Command command = new("doctor", """
            Say which meters, sensors, clocks, counters and runtimes this device has, which not and why, and what to do about it.
              edgefleet doctor
              edgefleet doctor --capture my-board.tar.gz     to send it to somebody, who unpacks it and runs
              edgefleet doctor --root FOLDER
            Changes nothing on the device.
            """) { s_root, s_capture };
        foreach (Option option in MeterOptions.External)
        {
            command.Options.Add(option);
        }
        command.SetAction((parsed, _) => Task.FromResult(Run(parsed)));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        Output output = Output.Of(parsed);
        DirectoryInfo? root = parsed.GetValue(s_root);
        if (root is { Exists: false })
        {
            throw new DirectoryNotFoundException($"folder '{root.FullName}' does not exist");
        }
        FileInfo? capture = parsed.GetValue(s_capture);
        Device device = Device.At(root?.FullName ?? "/");
        if (capture is not null && device.Kind != DeviceKind.Own)
        {
            throw new FormatException("--capture packs this machine; it does not go with --root");
        }
        IReadOnlyList<Finding> findings = Examination.Of(device, ExternalMeter.OptionsOf(MeterOptions.Of(parsed)));
        CaptureSummary? packed = capture is null ? null : Pack(device, capture);
        Print(device, findings, output);
        if (packed is not null)
        {
            Print(packed, capture!, output);
        }
        output.Json(Document(device, findings, packed, capture));
        return ExitCode.Done;
    }

    private static CaptureSummary Pack(Device device, FileInfo target)
    {
        string tool = $"edgefleet {typeof(DoctorCommand).Assembly.GetName().Version?.ToString(3)}";
        using FileStream file = target.Create();
        return CaptureWriter.Write(file, device.Files, device.Answers, Environment.MachineName, tool);
    }

    private static void Print(Device device, IReadOnlyList<Finding> findings, Output output)
    {
        if (device.Kind != DeviceKind.Own)
        {
            output.Line(device.Kind == DeviceKind.Captured ? "An unpacked capture:" : "A folder of files; what is no file (counters, buses, firmware, the runtime) cannot be asked here:");
        }
        foreach (IGrouping<string, Finding> area in findings.GroupBy(finding => finding.Area))
        {
            output.Line("");
            output.Line(area.Key);
            foreach (Finding finding in area)
            {
                output.Line($"  {finding.State.ToString().ToLowerInvariant(),-8} {Output.Printable(finding.Name)}: {Output.Printable(finding.Detail)}");
                if (finding.Advice is { } advice)
                {
                    output.Line($"           -> {Output.Printable(advice)}");
                }
            }
        }
        output.Line("");
        output.Line(Summary(findings));
    }

    /// <summary>The question that most people come with.</summary>
    private static string Summary(IReadOnlyList<Finding> findings)
    {
        Finding? best = findings.FirstOrDefault(finding => finding.Area == Sections.EnergySection.Area && finding.Detail.StartsWith(Sections.EnergySection.Best, StringComparison.Ordinal));
        return best is not null
            ? $"Joules per inference: yes, by {Output.Printable(best.Name)}. 'edgefleet bench' reads it."
            : "Joules per inference: no. Nothing here measures energy; the lines above say why, and what would.";
    }

    private static void Print(CaptureSummary packed, FileInfo target, Output output)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        output.Line("");
        output.Line(string.Create(culture, $"Packed into {target.FullName}: {packed.Files.Count} files ({packed.Bytes / 1024.0:0.0} KiB), {packed.Errors} that did not answer (with their errnos), {packed.Answers} other answers."));
        output.Line(string.Create(culture, $"  Taken out: {packed.TakenOut} serial numbers, hardware addresses and host names. Nothing else was packed; 'tar tzf' lists all of it."));
        foreach (IGrouping<string, string> folder in packed.Files.GroupBy(path => string.Join('/', path.Split('/').Take(4))))
        {
            output.Line(string.Create(culture, $"  {folder.Count(),4}  {Output.Printable(folder.Key)}"));
        }
        foreach (string path in packed.Cut.Concat(packed.LeftOut))
        {
            output.Line($"  no room for {(packed.Cut.Contains(path) ? "all of " : "")}{Output.Printable(path)}");
        }
    }

    private static JsonObject Document(Device device, IReadOnlyList<Finding> findings, CaptureSummary? packed, FileInfo? target) => new()
    {
        ["source"] = device.Kind switch { DeviceKind.Own => "device", DeviceKind.Captured => "capture", _ => "folder" },
        ["findings"] = JsonSerializer.SerializeToNode(findings, DoctorJsonContext.Default.IReadOnlyListFinding),
        ["capture"] = packed is null ? null : new JsonObject
        {
            ["file"] = target!.FullName,
            ["files"] = new JsonArray([.. packed.Files.Select(path => (JsonNode)path)]),
            ["bytes"] = packed.Bytes,
            ["errors"] = packed.Errors,
            ["answers"] = packed.Answers,
            ["takenOut"] = packed.TakenOut,
            ["cut"] = new JsonArray([.. packed.Cut.Select(path => (JsonNode)path)]),
            ["leftOut"] = new JsonArray([.. packed.LeftOut.Select(path => (JsonNode)path)]),
        },
    };
}
