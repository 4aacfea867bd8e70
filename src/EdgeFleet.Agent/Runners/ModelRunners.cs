using EdgeFleet.Agent.Applications;

namespace EdgeFleet.Agent.Runners;

/// <summary>Who serves which model: the runner, or the application itself where the model is in file mode.</summary>
internal sealed class ModelRunners(IModelRunner runner, ApplicationRunner? applications = null)
{
    public IModelRunner Runner => runner;

    /// <summary>Null where no model is in file mode.</summary>
    public ApplicationRunner? Applications { get; } = applications is { Models.Count: > 0 } ? applications : null;

    public IModelRunner Of(string model) => IsFileMode(model) ? Applications! : runner;

    public bool IsFileMode(string model) => Applications?.Serves(model) == true;
}
