using System.CommandLine;
using EdgeFleet.Cli.Artifacts;
using EdgeFleet.Cli.Benchmarks;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Devices;
using EdgeFleet.Cli.Doctor;
using EdgeFleet.Cli.Keys;
using EdgeFleet.Cli.Models;
using EdgeFleet.Cli.Operators;
using EdgeFleet.Cli.Rollouts;
using EdgeFleet.Cli.Simulation;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Cli.Webhooks;
using EdgeFleet.Measurement.Hosts;

if (args is [ModelHost.Command])
{
    return ModelHost.Run(); // before anything else is loaded: its memory is measured
}

RootCommand root = new("""
    EdgeFleet gets a compressed model onto a fleet of devices, on each device only after that device has shown that it is
    faster or cheaper there and still right, and takes it back when it is not.

    compress, evaluate, bench and doctor need no controller. Exit codes: 0 done, 1 the verdict is no, 2 wrong usage, 3 the world failed.
    """);
root.Options.Add(Output.FormatOption);
root.Options.Add(ControllerConnection.UrlOption);
root.Options.Add(ControllerConnection.TokenOption);
root.Options.Add(ControllerConnection.DataOption);
root.Subcommands.Add(CompressCommand.Create());
root.Subcommands.Add(EvaluateCommand.Create());
root.Subcommands.Add(BenchCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
root.Subcommands.Add(KeysCommand.Create());
root.Subcommands.Add(ArtifactCommand.Create());
root.Subcommands.Add(DeviceCommand.Create());
root.Subcommands.Add(RolloutCommand.Create());
root.Subcommands.Add(RollbackCommand.Create());
root.Subcommands.Add(WebhookCommand.Create());
root.Subcommands.Add(OperatorCommand.Create());
root.Subcommands.Add(SimulateCommand.Create());
return await CommandRunner.RunAsync(root, args);
