using System.Security.Cryptography;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Files;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Agent.Tests.Support.Controller;

/// <summary>A state folder as enrolment leaves it.</summary>
internal static class EnrolledDevice
{
    public const string Id = "device-1";

    public static StateFolder Create(ScriptedController controller, SimulatedDisk disk, string id = Id, string? certificateFor = null)
    {
        StateFolder state = new(DeviceRig.Root, disk);
        state.Prepare();
        IdentityFiles files = new(state);
        using ECDsa key = files.LoadOrCreateKey();
        files.Store(
            controller.Authority.IssueDevice(certificateFor ?? id, CertificateRequests.Create(key, id)).ChainPem, controller.Authority.RootPem, Document(controller, id));
        return state;
    }

    public static EnrollmentDocument Document(ScriptedController controller, string id = Id) => new()
    {
        DeviceId = id,
        Tenant = "default",
        Endpoints = new EnrolledEndpoints(controller.DeviceUrl, controller.EnrollUrl),
        RootPin = controller.Authority.RootPin,
        ReleaseKeys = [TestArtifacts.Key.PublicPem()],
    };

    public static string KeyOf(SimulatedDisk disk) => System.Text.Encoding.ASCII.GetString(disk.Read($"{DeviceRig.Root}/identity/device.key")!);
}
