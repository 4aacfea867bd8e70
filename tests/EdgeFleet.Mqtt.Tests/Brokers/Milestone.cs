namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>Lets a test wait until a count has come to a number.</summary>
internal sealed class Milestone
{
    private readonly Lock _gate = new();
    private readonly List<(int Number, TaskCompletionSource Source)> _waiting = [];
    private int _reached;

    public void Reached(int number)
    {
        lock (_gate)
        {
            _reached = Math.Max(_reached, number);
            foreach ((_, TaskCompletionSource source) in _waiting.Where(waiting => waiting.Number <= _reached))
            {
                source.TrySetResult();
            }
            _waiting.RemoveAll(waiting => waiting.Number <= _reached);
        }
    }

    public Task WaitAsync(int number)
    {
        lock (_gate)
        {
            if (number <= _reached)
            {
                return Task.CompletedTask;
            }
            TaskCompletionSource source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((number, source));
            return source.Task.WaitAsync(Peers.Patience);
        }
    }
}
