using System.CommandLine;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// <c>edgefleet-agent rollback</c>: someone at the device takes back what serves, without the controller. The agent that runs
/// does it; the digest is refused here until its attempt goes up.
/// </summary>
public static class RollbackCommand
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    public static Command Create()
    {
        Argument<string> model = new("MODEL") { Description = "The model whose artifact is taken back." };
        Option<string> state = CommandOptions.State();
        Option<string?> to = new("--to") { Description = "The digest to go to; it has to be on this device. Default: the previous one, else golden.", HelpName = "DIGEST" };
        Option<int> wait = new("--wait") { Description = "Seconds to wait until it is done.", HelpName = "SECONDS", DefaultValueFactory = _ => 30, CustomParser = result => CommandOptions.ReadWhole(result, "--wait", 0, 86_400) ?? 30 };
        Command command = new("rollback", "Take back the artifact that serves, on this device alone.") { model, state, to, wait };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new StateFolder(Path.GetFullPath(parsed.GetValue(state)!), LinuxFileStore.Instance),
            parsed.GetValue(model)!, parsed.GetValue(to), TimeSpan.FromSeconds(parsed.GetValue(wait)), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(StateFolder state, string model, string? to, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            Identifier.Require("model", model);
            Digest? target = to is null ? null : Digest.Parse(to);
            StateFolder reading = new(state.Root, new ReadOnlyFileStore(LinuxFileStore.Instance));
            if (Read(reading, model) is not { } slots)
            {
                Console.Error.WriteLine($"model '{model}' is not provisioned on '{state.Root}'");
                return ExitCodes.WorldFailed;
            }
            Digest? wanted = target ?? slots.Previous ?? slots.Golden;
            if (wanted is not { } digest || !state.Holds(digest))
            {
                Console.Error.WriteLine($"model '{model}': {wanted?.ToString() ?? "an older artifact"} is not on this device; active is {slots.Active}");
                return ExitCodes.WorldFailed;
            }
            if (digest == slots.Active)
            {
                Console.Out.WriteLine($"model '{model}': {digest} is active already");
                return ExitCodes.Done;
            }
            using (FileLease? nobody = FileLease.TryAcquire(state.RunLock))
            {
                if (nobody is not null)
                {
                    Console.Error.WriteLine($"no agent runs on '{state.Root}'; start edgefleet-agent run, which does the rollback");
                    return ExitCodes.WorldFailed;
                }
            }
            new RollbackRequest { Model = model, Target = digest, Reason = "asked for at the device" }.Leave(state);
            long started = time.GetTimestamp();
            while (time.GetElapsedTime(started) < limit)
            {
                await Task.Delay(s_look, time, cancellationToken).ConfigureAwait(false);
                DeploymentRecord? record = new DeploymentFiles(reading, NullLogger<DeploymentFiles>.Instance).Load(model);
                if (Read(reading, model)?.Active == digest && record is { Ended: true })
                {
                    Console.Out.WriteLine($"model '{model}': {digest} is active; {slots.Active} is refused here until its attempt goes up");
                    return ExitCodes.Done;
                }
            }
            Console.Error.WriteLine($"model '{model}': not done after {limit.TotalSeconds:0} s; edgefleet-agent status says where it stands");
            return ExitCodes.WorldFailed;
        }
        catch (FormatException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WrongUsage;
        }
        catch (IOException ex)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WorldFailed;
        }
    }

    private static ModelSlots? Read(StateFolder state, string model) => new SlotTable(state, TimeProvider.System, NullLogger<SlotTable>.Instance).Read(model);
}
