using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using Google.Protobuf.WellKnownTypes;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>
/// Says from time to time how the device and its models are doing. Nothing is kept: what finds no link is dropped, and the
/// next one says it better. No decision rests on it.
/// </summary>
internal sealed class MetricLoop(
    ReportPublisher publisher, IDeviceGauges gauges, ModelRunners runners, SlotTable slots, Outbox outbox, MetricOptions options, TimeProvider time)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = options.First;
        while (true)
        {
            // A fleet that was switched on by one switch shall not speak in one moment for ever.
            await Task.Delay(pause * (0.9 + 0.2 * Random.Shared.NextDouble()), time, cancellationToken).ConfigureAwait(false);
            if (publisher.IsConnected)
            {
                await publisher.SayAsync(await ReadAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
            pause = options.Every;
        }
    }

    private async Task<Wire.MetricReport> ReadAsync(CancellationToken cancellationToken)
    {
        Wire.MetricReport report = new() { Time = Timestamp.FromDateTimeOffset(time.GetUtcNow()) };
        foreach ((string name, double value) in gauges.Read())
        {
            report.Values[name] = value;
        }
        report.Values["outbox_reports"] = outbox.Count;
        report.Values["outbox_bytes"] = outbox.LiveBytes;
        if (!slots.Models.Any(model => slots.Read(model) is not null))
        {
            // Nobody to ask about: a device that has no model yet may have no runner either.
            return report;
        }
        try
        {
            RunnerReport status = await runners.Runner.StatusAsync(cancellationToken).ConfigureAwait(false);
            foreach (RunnerModel model in status.Models)
            {
                report.Models[model.Model] = Values(model);
                report.Values["runner_memory_bytes"] = model.ResidentBytes;
            }
        }
        catch (RunnerAwayException)
        {
            // A reading that is absent, not zero.
        }
        if (runners.Applications is { } applications)
        {
            foreach (RunnerModel model in (await applications.StatusAsync(cancellationToken).ConfigureAwait(false)).Models.Where(model => model is { Waiting: null, Code: null, Active: not null }))
            {
                report.Models[model.Model] = Values(model);
            }
        }
        return report;
    }

    private static Wire.MetricValues Values(RunnerModel model) => new()
    {
        Values =
        {
            ["requests"] = model.Requests,
            ["failures"] = model.Failures,
            ["rejected"] = model.Rejected,
            ["non_finite"] = model.NonFinite,
            ["wrong_shape"] = model.WrongShape,
            ["p50_us"] = model.P50Micros,
            ["p95_us"] = model.P95Micros,
        },
    };
}

/// <summary>How often the device says how it is doing.</summary>
public sealed record MetricOptions
{
    /// <summary>After the start.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(1);
}
