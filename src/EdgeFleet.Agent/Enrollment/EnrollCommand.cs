using System.CommandLine;
using System.Text;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Running;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Trust.Enrollment;
using Grpc.Core;

namespace EdgeFleet.Agent.Enrollment;

/// <summary><c>edgefleet-agent enroll</c>.</summary>
public static class EnrollCommand
{
    public static Command Create()
    {
        Option<string> state = CommandOptions.State();
        Option<string?> bundle = new("--bundle") { Description = "The file that `edgefleet device token --out` wrote: address, token and root.", HelpName = "FILE" };
        Option<string?> url = new("--url") { Description = "The controller's enrolment address, where there is no bundle.", HelpName = "URL" };
        Option<string?> token = new("--token") { Description = "The single-use token, where there is no bundle.", HelpName = "TOKEN" };
        Option<string?> root = new("--root") { Description = "The root certificate, PEM, where there is no bundle.", HelpName = "FILE" };
        Option<string?> pin = new("--root-pin") { Description = "SHA-256 of the root's public key, in hexadecimal, where there is no bundle.", HelpName = "HEX" };
        Option<string?> device = new("--device-id") { Description = $"The device's name: {Identifier.Rule}. Default: made from the host's name.", HelpName = "ID" };
        Option<int> threads = CommandOptions.Threads();
        Option<string[]> labels = CommandOptions.Labels();
        Command command = new("enroll", "Make this device a member of a fleet. Safe to repeat.") { state, bundle, url, token, root, pin, device, threads, labels };
        command.Validators.Add(result =>
        {
            bool alone = result.Names(url) && result.Names(token) && result.Names(root) && result.Names(pin);
            if (result.Names(bundle) == alone)
            {
                result.AddError("Give --bundle FILE, or all of --url, --token, --root and --root-pin.");
            }
        });
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => parsed.GetValue(bundle) is { } file
                ? EnrollmentBundle.FromBytes(File.ReadAllBytes(file))
                : EnrollmentBundle.FromBytes(new EnrollmentBundle
                {
                    EnrollUrl = parsed.GetValue(url)!,
                    Token = parsed.GetValue(token)!,
                    RootPem = File.ReadAllText(parsed.GetValue(root)!),
                    RootPin = parsed.GetValue(pin)!,
                }.ToBytes()),
            new StateFolder(Path.GetFullPath(parsed.GetValue(state)!), LinuxFileStore.Instance),
            parsed.GetValue(device),
            parsed.GetValue(threads),
            parsed.GetValue(labels)!,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Func<EnrollmentBundle> read, StateFolder state, string? deviceId, int threads, string[] labels, CancellationToken cancellationToken)
    {
        try
        {
            EnrollmentBundle bundle = read();
            // A member keeps its name, whatever the machine is called.
            deviceId = deviceId is null ? new IdentityFiles(state).Document?.DeviceId ?? FromHostName(Environment.MachineName) : Identifier.Require("device id", deviceId);
            Enroller enroller = new(state, TimeProvider.System);
            bool anew = enroller.EnrolsAnew(bundle);
            // An agent that runs may renew its certificate at any moment; key and certificate would come from two hands.
            using FileLease? alone = anew ? FileLease.TryAcquire(state.RunLock) : null;
            if (anew && alone is null)
            {
                Console.Error.WriteLine($"an agent runs on '{state.Root}', which is enrolled; stop it, enrol it anew with this bundle, and start it again");
                return ExitCodes.WorldFailed;
            }
            (EnrollmentDocument document, bool wasEnrolled) = await enroller.EnrollAsync(
                bundle,
                deviceId,
                new LinuxDeviceFacts(KernelFiles.Host, threads).Read(),
                CommandOptions.ParseLabels(labels),
                Once(() => Console.Error.WriteLine($"waiting: an operator has to approve '{deviceId}' (edgefleet device approve {deviceId})")),
                cancellationToken).ConfigureAwait(false);
            Console.Out.WriteLine(wasEnrolled
                ? $"'{document.DeviceId}' was enrolled already at {document.Endpoints.EnrollUrl}"
                : $"'{document.DeviceId}' is enrolled at {document.Endpoints.EnrollUrl}; start it with: edgefleet-agent run --state {state.Root}");
            return ExitCodes.Done;
        }
        catch (Exception ex) when (ex is FormatException)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WrongUsage;
        }
        catch (Exception ex) when (ex is EnrollmentRefusedException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(ex.Message);
            return ExitCodes.WorldFailed;
        }
        catch (RpcException ex)
        {
            Console.Error.WriteLine($"the controller cannot be reached ({ex.StatusCode}): {ex.Status.Detail}");
            return ExitCodes.WorldFailed;
        }
    }

    private static Action<TimeSpan> Once(Action act)
    {
        bool told = false;
        return _ =>
        {
            if (!told)
            {
                told = true;
                act();
            }
        };
    }

    internal static string FromHostName(string hostName)
    {
        StringBuilder id = new();
        foreach (char c in hostName.ToLowerInvariant())
        {
            id.Append(char.IsAsciiLetterOrDigit(c) ? c : '-');
        }
        string text = id.ToString().Trim('-');
        return Identifier.Require("device id made from the host's name", text.Length > 63 ? text[..63].TrimEnd('-') : text);
    }
}
