using EdgeFleet.Agent.Runners;
using EdgeFleet.Core;

namespace EdgeFleet.Cli.Simulation;

/// <summary>A runner without a model: it takes the modelled time to load what the slots name and then counts as serving it.</summary>
internal sealed class HollowRunner(HollowBehaviour behaviour, Func<string, Digest?> readActiveSlot, TimeProvider time) : IModelRunner
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly Dictionary<string, RunnerModel> _models = [];
    private readonly Lock _gate = new();

    public async Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken)
    {
        await Task.Delay(behaviour.LoadTime, time, cancellationToken);
        Digest? active = readActiveSlot(model);
        lock (_gate)
        {
            if (_models.GetValueOrDefault(model)?.Active != active)
            {
                _models[model] = new RunnerModel { Model = model, Active = active, Since = time.GetUtcNow() };
            }
        }
        return await StatusAsync(cancellationToken);
    }

    public Task<RunnerReport> StatusAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            return Task.FromResult(new RunnerReport(_startedAt, [.. _models.Values.Select(model => model with
            {
                Requests = (long)((now - model.Since.GetValueOrDefault(now)).TotalSeconds * behaviour.RequestsPerSecond),
                P50Micros = behaviour.BaselineP50Micros,
                P95Micros = behaviour.BaselineP50Micros * 1.3,
                ResidentBytes = 40 << 20,
            })]));
        }
    }
}
