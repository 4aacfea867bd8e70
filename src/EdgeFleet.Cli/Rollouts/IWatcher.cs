using System.Text.Json.Nodes;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Shows a rollout as it goes on.</summary>
internal interface IWatcher : IDisposable
{
    void Show(JsonNode rollout);

    /// <summary>The controller cannot be asked just now.</summary>
    void Trouble(string message);
}
