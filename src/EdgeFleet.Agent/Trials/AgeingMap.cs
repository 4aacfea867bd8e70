using System.Diagnostics.CodeAnalysis;

namespace EdgeFleet.Agent.Trials;

/// <summary>A dictionary that knows which of its entries came first.</summary>
internal sealed class AgeingMap<T>(TimeProvider time)
{
    private readonly Dictionary<string, LinkedListNode<(string Key, T Value, long At)>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, T Value, long At)> _order = new();

    public int Count => _entries.Count;

    public bool TryAdd(string key, T value)
    {
        if (_entries.ContainsKey(key))
        {
            return false;
        }
        _entries.Add(key, _order.AddLast((key, value, time.GetTimestamp())));
        return true;
    }

    public bool TryGet(string key, [MaybeNullWhen(false)] out T value)
    {
        bool found = _entries.TryGetValue(key, out LinkedListNode<(string Key, T Value, long At)>? node);
        value = found ? node!.Value.Value : default;
        return found;
    }

    public bool TryRemove(string key, [MaybeNullWhen(false)] out T value)
    {
        if (!_entries.Remove(key, out LinkedListNode<(string Key, T Value, long At)>? node))
        {
            value = default;
            return false;
        }
        _order.Remove(node);
        value = node.Value.Value;
        return true;
    }

    /// <summary>Takes the oldest entry away if it is older than <paramref name="age"/>.</summary>
    public bool TryRemoveOldest(TimeSpan age, [MaybeNullWhen(false)] out string key, [MaybeNullWhen(false)] out T value)
    {
        if (_order.First is { } first && time.GetElapsedTime(first.Value.At) >= age)
        {
            (key, value, _) = first.Value;
            _order.RemoveFirst();
            _entries.Remove(key);
            return true;
        }
        (key, value) = (null, default);
        return false;
    }
}
