using System.CommandLine;
using System.Runtime.InteropServices;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Restoring;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Running;

/// <summary><c>edgefleet-agent run</c>: the supervisor as a process of its own.</summary>
public static class RunCommand
{
    public static Command Create()
    {
        Option<string> state = CommandOptions.State();
        Option<string?> control = CommandOptions.ServeControl();
        Option<int> threads = CommandOptions.Threads();
        Option<string?> lease = new("--bench-lease") { Description = "A file whose lock lets one benchmark run at a time on this machine.", HelpName = "FILE" };
        Option<string[]> labels = CommandOptions.Labels();
        Option<string?> button = new("--rollback-button")
        {
            Description = $"The GPIO line of a button to ground: held for {RollbackButton.Held.TotalSeconds:0} s it takes back what was activated last on this device.",
            HelpName = "CHIP:LINE",
        };
        MeterOptions meter = new();
        Option<bool> verbose = new("--verbose") { Description = "Log what is worth knowing when something is looked into." };
        Command command = new("run", "Supervise this device: keep it at its desired state, measure, watch, roll back, report.")
        {
            state, control, threads, lease, labels, button, verbose,
        };
        meter.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new StateFolder(Path.GetFullPath(parsed.GetValue(state)!), LinuxFileStore.Instance),
            parsed.GetValue(control) is { } socket ? Path.GetFullPath(socket) : null,
            parsed.GetValue(threads),
            parsed.GetValue(lease) is { } file ? Path.GetFullPath(file) : null,
            parsed.GetValue(labels)!,
            parsed.GetValue(button),
            () => meter.Of(parsed),
            parsed.GetValue(verbose),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        StateFolder state, string? control, int threads, string? lease, string[] labels, string? button, Func<MeterChoice> meter, bool verbose, CancellationToken cancellationToken)
    {
        using ILoggerFactory loggers = StandardErrorLog.Create(verbose ? LogLevel.Debug : LogLevel.Information);
        using CancellationTokenSource told = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => { context.Cancel = true; told.Cancel(); });
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; told.Cancel(); });
        try
        {
            MeterChoice chosen = meter();
            GpioAddress? line = button is null ? null : GpioAddress.Parse(button);
            IReadOnlyDictionary<string, string> extra = CommandOptions.ParseLabels(labels);
            if (!Directory.Exists(state.Root))
            {
                throw new FormatException($"'{state.Root}' does not exist; run edgefleet-agent enroll first");
            }
            using FileLease? running = FileLease.TryAcquire(state.RunLock);
            if (running is null)
            {
                Console.Error.WriteLine($"another agent runs on '{state.Root}'");
                return ExitCodes.WorldFailed;
            }
            if (File.Exists(DeviceChanges.Journal))
            {
                PutBack(); // looked for here: the code that measures is not loaded by an agent that does not
            }
            using ControlSocketRunner runner = new(control ?? state.ControlSocket);
            using DeviceAgent agent = DeviceAgent.Create(
                state,
                new AgentOptions { Labels = extra, Deployments = new DeploymentOptions { Threads = threads, BenchLease = lease, Meter = chosen }, RollbackButton = line },
                new AgentSeams
                {
                    Runner = runner,
                    Busy = new BusyLocks(state.Busy),
                    Trials = new WorkerTrials(state, TimeProvider.System, loggers.CreateLogger<WorkerTrials>()),
                    Facts = new LinuxDeviceFacts(KernelFiles.Host, threads),
                    Gauges = new LinuxDeviceGauges(KernelFiles.Host, state.Files, state.Root),
                    Loggers = loggers,
                });
            using IdleMemory memory = new(TimeProvider.System);
            agent.ModelSettled += _ => memory.SettleAnew();
            await agent.RunAsync(told.Token).ConfigureAwait(false);
            return ExitCodes.Done;
        }
        catch (FormatException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WrongUsage;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WorldFailed;
        }
    }

    /// <summary>What a benchmark changed on this device before it was killed.</summary>
    private static void PutBack()
    {
        try
        {
            foreach (string change in DeviceChanges.RestoreLeftOver(KernelFiles.Host, KernelFiles.Host))
            {
                Console.Error.WriteLine($"a benchmark did not end in order; {change}");
            }
        }
        catch (IOException ex)
        {
            // Not what keeps a device from being served and watched; the next start tries again.
            Console.Error.WriteLine($"what a benchmark changed cannot be put back: {ex.Message}");
        }
    }
}
