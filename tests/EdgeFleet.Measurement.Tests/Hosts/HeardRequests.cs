using System.Globalization;
using System.Text.Json;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Hosts;

/// <summary>
/// Model hosts that write down what they are asked before they do it: the protocol as its hosts hear it, in order. Only one
/// host is asked at a time, so one file holds what all of them heard.
/// </summary>
internal sealed class HeardRequests(string file)
{
    /// <summary>The argument with which the test program becomes such a host.</summary>
    public const string Command = "heard";

    public OwnProgram Program => TestHosts.Program with { Arguments = [.. TestHosts.Program.Arguments, Command, file] };

    /// <summary>From now on a counter of the device goes one up in each cell of a block; null ends that.</summary>
    public string? CountingInCells
    {
        set
        {
            if (value is null)
            {
                File.Delete(Counting(file));
            }
            else
            {
                File.WriteAllText(Counting(file), value);
            }
        }
    }

    /// <summary>What was heard so far.</summary>
    public IReadOnlyList<Heard> All()
    {
        Dictionary<int, string> models = [];
        List<Heard> all = [];
        foreach (string[] line in File.Exists(file) ? File.ReadAllLines(file).Select(line => line.Split(' ', 3)) : [])
        {
            int host = int.Parse(line[0], CultureInfo.InvariantCulture);
            HostRequest request = JsonSerializer.Deserialize(line[2], HostJsonContext.Default.HostRequest)!;
            if (request.Load is { } load)
            {
                models[host] = load.Path;
            }
            all.Add(new Heard(all.Count, host, line[1], models.GetValueOrDefault(host), request));
        }
        return all;
    }

    /// <summary>The host's own end.</summary>
    public static int Run(string file)
    {
        Console.SetIn(new Noting(Console.In, file));
        return ModelHost.Run();
    }

    private static string Counting(string file) => file + ".counting";

    private sealed class Noting(TextReader requests, string file) : TextReader
    {
        public override string? ReadLine()
        {
            if (requests.ReadLine() is not { } line)
            {
                return null;
            }
            File.AppendAllText(file, $"{Environment.ProcessId} {ProcessorSet.Allowed()} {line}\n");
            if (File.Exists(Counting(file)) && line.Contains("\"mark\":true", StringComparison.Ordinal))
            {
                string counter = File.ReadAllText(Counting(file));
                File.WriteAllText(counter, $"{long.Parse(File.ReadAllText(counter), CultureInfo.InvariantCulture) + 1}\n");
            }
            return line;
        }
    }
}

/// <param name="Number">Its place among all that was heard.</param>
/// <param name="Host">Process.</param>
/// <param name="Allowed">The processors that the host might use when it heard this.</param>
/// <param name="Model">The model that the host held last; null before the first.</param>
internal sealed record Heard(int Number, int Host, string Allowed, string? Model, HostRequest Request)
{
    public LoadRequest? Load => Request.Load;

    public CellRequest? Cell => Request.Cell;

    /// <summary>A cell of a block: nothing else is marked for an analyser.</summary>
    public bool IsOfBlock => Cell is { Mark: true };
}
