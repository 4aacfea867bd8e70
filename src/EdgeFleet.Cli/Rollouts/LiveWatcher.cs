using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>One screen that is drawn over, for a person at a terminal.</summary>
internal sealed class LiveWatcher(LiveScreen screen) : IWatcher
{
    private JsonNode _last = new JsonObject();
    private bool _left;

    public void Show(JsonNode rollout)
    {
        _last = rollout;
        Draw(null);
    }

    public void Trouble(string message) => Draw(message);

    public void Dispose()
    {
        if (!_left)
        {
            _left = true;
            screen.Dispose();
        }
    }

    private void Draw(string? trouble) => screen.Draw(WatchScreen.Draw(_last, DateTimeOffset.UtcNow, LiveScreen.Size, trouble));
}
