using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Processes;

namespace EdgeFleet.Demo.Fleet;

/// <summary>A fleet on one machine: the controller with its broker, the devices, and the command line that drives them.</summary>
internal sealed class LocalFleet : IAsyncDisposable
{
    public const string Model = "fashion";
    public const string InstallFile = "install.yaml";
    public const string RolloutFile = "rollout.yaml";
    public const string RetrainedFile = "rollout-retrained.yaml";
    private readonly Action<string> _progress;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };

    /// <param name="command">Is told each command line that is run.</param>
    /// <param name="progress">Is told each change of a rollout that is followed.</param>
    public LocalFleet(Layout layout, int deviceCount, Action<string> command, Action<string> progress)
    {
        Layout = layout;
        _progress = progress;
        Commands = new CommandLine(layout, command);
        // Two hardware classes told apart by something true: how many threads inference may use.
        Devices = [.. Enumerable.Range(1, deviceCount).Select(i => new LocalDevice($"device-{i}", i <= (deviceCount + 1) / 2 ? 1 : 2, layout))];
        Controller = new ManagedProcess("controller", "dotnet",
            [layout.Executable("Controller", "edgefleet-controller"), "--data", layout.ControllerData, "--bind", "127.0.0.1", .. Ports()],
            Path.Combine(layout.Logs, "controller.log"));
    }

    public Layout Layout { get; }
    public CommandLine Commands { get; }
    public IReadOnlyList<LocalDevice> Devices { get; }
    public ManagedProcess Controller { get; }
    public string Lease => Path.Combine(Layout.Root, "bench.lease");
    public string ReleaseKey => Path.Combine(Layout.Work, "release.key");

    /// <summary>Digests of what was published, by the demo's own short names.</summary>
    public Dictionary<string, string> Published { get; } = [];

    public IEnumerable<(string Name, int Pid)> Processes =>
        new[] { Controller }.Concat(Devices.SelectMany(device => device.Processes)).Where(process => process.Pid != 0).Select(process => (process.Name, process.Pid))
            .Concat(BrokerProcess());

    /// <summary>A release key, a controller that trusts it, and every device enrolled, approved and running.</summary>
    public async Task StartAndEnrollAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Layout.Logs);
        Directory.CreateDirectory(Layout.Work);
        (await Commands.RunAsync(["keys", "create", "--out", ReleaseKey], cancellationToken)).Json("release key");
        string trust = Path.Combine(Layout.ControllerData, "trust");
        Directory.CreateDirectory(trust);
        File.Copy(ReleaseKey + ".pub", Path.Combine(trust, "release.pub"));
        await StartControllerAsync(cancellationToken);

        string bundle = Path.Combine(Layout.Work, "enrol.json");
        (await Commands.RunAsync(["device", "token", "--count", $"{Devices.Count}", "--out", bundle], cancellationToken)).Json("token");
        Task<CommandResult>[] enrolling = [.. Devices.Select(device => Commands.AgentAsync(
            ["enroll", "--bundle", bundle, "--state", device.State, "--device-id", device.Id, "--threads", $"{device.Threads}"], cancellationToken))];
        await WaitForAsync($"{Devices.Count} devices ask to enrol", TimeSpan.FromSeconds(60), async () =>
            (await DeviceListAsync(cancellationToken)).Count(device => device["state"]?.ToString() == "pending") == Devices.Count, cancellationToken);
        (await Commands.RunAsync(["device", "approve", "--all-pending"], cancellationToken)).Json("approve");
        foreach (CommandResult result in await Task.WhenAll(enrolling))
        {
            if (result.ExitCode != 0)
            {
                throw new DemoFailedException($"an enrolment ended with code {result.ExitCode}: {result.Errors}");
            }
        }
        foreach (LocalDevice device in Devices)
        {
            device.StartServe();
            device.StartRun(Lease);
        }
    }

    /// <summary>An application per device; returns when each has had its first answer.</summary>
    public async Task StartApplicationsAsync(double requestsPerSecond, CancellationToken cancellationToken)
    {
        foreach (LocalDevice device in Devices)
        {
            device.StartApplication(requestsPerSecond);
        }
        await WaitForAsync("every application is answered", TimeSpan.FromSeconds(30), () =>
            Task.FromResult(Devices.All(device => device.LastCount()?["ok"]?.GetValue<long>() > 0)), cancellationToken);
    }

    private async Task StartControllerAsync(CancellationToken cancellationToken)
    {
        Controller.Start();
        string endpoints = Path.Combine(Layout.ControllerData, "endpoints.json");
        await WaitForAsync("the controller answers", TimeSpan.FromSeconds(60), () => Task.FromResult(File.Exists(endpoints)), cancellationToken);
    }

    /// <summary>Signs and publishes one model; the result is its digest.</summary>
    public async Task<string> PublishAsync(string name, string modelFile, string? evidence, string? baseline, CancellationToken cancellationToken)
    {
        string bundle = await SignAsync(name, modelFile, evidence, baseline, cancellationToken);
        (await Commands.RunAsync(["artifact", "push", bundle], cancellationToken)).Json($"publishing {name}");
        return Published[name];
    }

    public async Task<string> SignAsync(string name, string modelFile, string? evidence, string? baseline, CancellationToken cancellationToken)
    {
        string bundle = Path.Combine(Layout.Work, $"bundle-{name}");
        List<string> arguments = ["artifact", "sign", modelFile, "-m", Model, "--version-name", name, "-k", ReleaseKey, "--out", bundle];
        if (evidence is not null)
        {
            arguments.AddRange(["-e", evidence]);
        }
        if (baseline is not null)
        {
            arguments.AddRange(["--baseline", baseline]);
        }
        JsonNode signed = (await Commands.RunAsync([.. arguments], cancellationToken)).Json($"signing {name}");
        Published[name] = signed["digest"]!.ToString();
        return bundle;
    }

    /// <summary>Starts a rollout and returns its id.</summary>
    public async Task<string> ApplyAsync(string file, string name, string candidate, CancellationToken cancellationToken)
    {
        List<string> arguments = ["rollout", "apply", "-f", Path.Combine(Layout.Example, file), "-p", Path.Combine(Layout.Example, "demo-policy.yaml"), "--set", $"candidate={candidate}"];
        if (file != InstallFile)
        {
            arguments.AddRange(["--set", $"name={name}"]);
        }
        return (await Commands.RunAsync([.. arguments], cancellationToken)).Json($"rollout {name}")["id"]!.ToString();
    }

    /// <summary>
    /// Looks are taken over the controller's own interface: a process for each, several times a second, would be the
    /// heaviest load on this machine.
    /// </summary>
    private async Task<JsonNode?> TryGetAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            JsonNode endpoints = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Layout.ControllerData, "endpoints.json"), cancellationToken))!;
            using HttpRequestMessage request = new(HttpMethod.Get, $"{endpoints["operatorUrl"]}/api/v1/{path}");
            request.Headers.Authorization = new("Bearer", (await File.ReadAllTextAsync(Path.Combine(Layout.ControllerData, "operator.token"), cancellationToken)).Trim());
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            return response.IsSuccessStatusCode ? JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) : null;
        }
        catch (Exception ex) when (ex is HttpRequestException or IOException or System.Text.Json.JsonException)
        {
            // It is being started, or started again.
            return null;
        }
    }

    private async Task<RolloutStatus?> TryStatusAsync(string rollout, CancellationToken cancellationToken) =>
        await TryGetAsync($"rollouts/{rollout}", cancellationToken) is { } document ? RolloutStatus.Read(document) : null;

    /// <summary>Follows a rollout to its end and prints each change of its stage.</summary>
    public async Task<RolloutStatus> FollowAsync(string rollout, TimeSpan limit, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string last = "";
        while (true)
        {
            // While the controller is being started again there is no answer; the time limit below ends the waiting.
            if (await TryStatusAsync(rollout, cancellationToken) is not { } status)
            {
                status = RolloutStatus.Unknown;
            }
            string line = status.Line;
            if (line != last)
            {
                _progress($"{watch.Elapsed.TotalSeconds,6:0.0} s  {line}");
                last = line;
            }
            if (status.Ended)
            {
                return status;
            }
            if (status.AwaitsApproval)
            {
                await Commands.RunAsync(["rollout", "approve", rollout, "--reason", "accuracy on held-out data is better"], cancellationToken);
            }
            if (watch.Elapsed > limit)
            {
                throw new DemoFailedException($"rollout {rollout} did not end within {limit.TotalSeconds:0} s: {line}");
            }
            await Task.Delay(250, cancellationToken);
        }
    }

    /// <summary>All devices as the controller knows them; none while it does not answer.</summary>
    public async Task<IReadOnlyList<JsonNode>> DeviceListAsync(CancellationToken cancellationToken) =>
        await TryGetAsync("devices?limit=500", cancellationToken) is { } document
            ? [.. (document as JsonArray ?? document["items"]!.AsArray()).OfType<JsonNode>()]
            : [];

    /// <summary>Sums of what the applications counted until now.</summary>
    public (long Ok, long Failed) Requests()
    {
        long ok = 0, failed = 0;
        foreach (LocalDevice device in Devices)
        {
            JsonNode? count = device.LastCount();
            ok += count?["ok"]?.GetValue<long>() ?? 0;
            failed += count?["failed"]?.GetValue<long>() ?? 0;
        }
        return (ok, failed);
    }

    /// <summary>Free ports, chosen once: a controller that is started again has to be where its devices look for it.</summary>
    private static string[] Ports()
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, 4).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners)
        {
            listener.Start();
        }
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (TcpListener listener in listeners)
        {
            listener.Dispose();
        }
        return ["--operator-url", $"http://127.0.0.1:{ports[0]}", "--enroll-port", $"{ports[1]}", "--device-port", $"{ports[2]}", "--broker-port", $"{ports[3]}"];
    }

    public static async Task WaitForAsync(string what, TimeSpan limit, Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > limit)
            {
                throw new DemoFailedException($"{what}: not within {limit.TotalSeconds:0} s");
            }
            await Task.Delay(50, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Devices.Select(device => device.DisposeAsync().AsTask()));
        await Controller.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>The controller's own child.</summary>
    private IEnumerable<(string, int)> BrokerProcess()
    {
        if (Controller.Pid == 0)
        {
            yield break;
        }
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && ProcessTable.ParentOf(pid) == Controller.Pid)
            {
                yield return (ProcessTable.NameOf(pid) ?? "child", pid);
            }
        }
    }
}
