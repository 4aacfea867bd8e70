using System.Collections.Concurrent;

namespace EdgeFleet.Controller.Ingest;

/// <summary>
/// The last that each device said of how it is doing. In memory alone: a minute later it says it again, and no decision rests
/// on it.
/// </summary>
internal sealed class MetricBoard
{
    private readonly ConcurrentDictionary<string, MetricReading> _last = new(StringComparer.Ordinal);

    public void Put(IncomingReport.Metric metric, DateTimeOffset now) => _last[metric.Device] = new MetricReading(now, metric.Values, metric.Models);

    public MetricReading? Find(string device) => _last.GetValueOrDefault(device);

    public void Forget(string device) => _last.TryRemove(device, out _);
}

/// <param name="ReceivedAt">By the controller's clock.</param>
/// <param name="Values">Of the device, by a name that ends in its unit.</param>
/// <param name="Models">Of each served model, since it was activated.</param>
internal sealed record MetricReading(
    DateTimeOffset ReceivedAt, IReadOnlyDictionary<string, double> Values, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Models);
