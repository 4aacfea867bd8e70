using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Hosts;

/// <summary>Model hosts that tests start: real processes of this assembly.</summary>
internal static class TestHosts
{
    public static OwnProgram Program { get; } = OwnProgram.Find("EdgeFleet.Measurement.Tests.dll");

    public static Task<HostProcess> StartAsync(string model, TimeSpan? patience = null, long? memoryLimit = null, MeasuredModel which = MeasuredModel.Candidate, TimeProvider? time = null) =>
        HostProcess.StartAsync(new HostOptions(Program, which, model, memoryLimit, patience ?? TimeSpan.FromMinutes(2), time ?? TimeProvider.System), CancellationToken.None);

    public static LoadRequest Load(string model, string? inputs = null) => new(model, new SessionChoice(), inputs, Seed: 1, PaddingBytes: 1000, Cpus: null);
}
