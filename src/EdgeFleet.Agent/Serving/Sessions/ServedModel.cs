using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Core;
using EdgeFleet.Inference;
using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>One model by name: the session that answers now, how many requests may run and wait, and the tap on its inputs.</summary>
internal sealed class ServedModel(string name, int concurrency, int queue) : IDisposable
{
    private readonly SemaphoreSlim _running = new(concurrency);
    private ActiveSession? _active;
    private RequestShare? _share;
    private ShareStatus? _refused;
    private int _waiting;
    private long _overloaded;

    public string Name { get; } = name;

    public SampleTap Tap { get; } = new();

    public LabelBox Labels { get; } = new();

    public ActiveSession? Active => Volatile.Read(ref _active);

    /// <summary>Requests that wait for a place.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>What the slot names, as last read.</summary>
    public Digest? Wanted { get; set; }

    /// <summary>The wanted digest, once it has been tried in vain and an older one answers for it.</summary>
    public Digest? FellBackFrom { get; set; }

    /// <summary>Why the wanted digest is not the active one.</summary>
    public string? Error { get; set; }

    /// <summary>What answers a share of the requests beside <see cref="Active"/>, or did so until it ended.</summary>
    public RequestShare? Share => Volatile.Read(ref _share);

    /// <summary>Puts a session in place for new requests; the old one answers those that are in it and then goes.</summary>
    public void Activate(ActiveSession? session)
    {
        Share?.End(new ShareEnd(ShareCodes.BaselineChanged, "another digest was activated"));
        Interlocked.Exchange(ref _active, session)?.Retire();
    }

    /// <summary>Lets a candidate answer its share from the next request on; null forgets the one that was.</summary>
    public void Begin(RequestShare? share)
    {
        _refused = null;
        Interlocked.Exchange(ref _share, share)?.End(new ShareEnd(ShareCodes.Ended, "it is not asked for any more"));
    }

    /// <summary>A share that did not begin, and why.</summary>
    public void Refuse(ShareStatus refused) => _refused = refused;

    /// <summary>Enters the active session. The caller leaves it.</summary>
    /// <exception cref="RequestException">Nothing is active.</exception>
    public ActiveSession Enter()
    {
        while (Active is { } session)
        {
            // A session that was just replaced lets nobody in; its successor is there already.
            if (session.TryEnter())
            {
                return session;
            }
        }
        throw new RequestException(StatusCodes.Status503ServiceUnavailable, $"model '{Name}' is not ready{(Error is null ? "" : $": {Error}")}") { RetryAfterSeconds = 1 };
    }

    /// <exception cref="RequestException">The version, a digest with or without its algorithm, is not the one that answers now.</exception>
    public void RequireVersion(string version)
    {
        ActiveSession? active = Active;
        if (active is null || (version != active.Version && version != active.Digest.Hex))
        {
            throw RequestException.NotFound($"model '{Name}' has no version '{version}'; active is {active?.Version ?? "none"}");
        }
    }

    /// <summary>Takes a free place among the running requests; false when there is none and the request has to wait.</summary>
    public bool TryTakePlace() => _running.Wait(0, CancellationToken.None);

    /// <summary>Waits for a place.</summary>
    /// <exception cref="RequestException">Too many are waiting already.</exception>
    public async Task WaitForPlaceAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > queue)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _overloaded);
            throw new RequestException(StatusCodes.Status503ServiceUnavailable, $"model '{Name}' has {concurrency} requests running and {queue} waiting, its limit") { RetryAfterSeconds = 1 };
        }
        try
        {
            await _running.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void GivePlaceBack() => _running.Release();

    public ModelStatus Status(long residentBytes)
    {
        ActiveSession? active = Active;
        SessionCounters counters = active?.Counters ?? new();
        return new ModelStatus
        {
            Model = Name,
            Active = active?.Version,
            Wanted = Wanted?.ToString(),
            FellBackFrom = FellBackFrom?.ToString(),
            Error = Error,
            Since = active?.Since,
            Requests = counters.Requests,
            Failures = counters.Failures,
            Rejected = counters.Rejected,
            NonFinite = counters.NonFinite,
            WrongShape = counters.WrongShape,
            Overloaded = Interlocked.Read(ref _overloaded),
            LatencyMicros = counters.Latency.Summarise(),
            LogLatency = counters.LogLatency.Read(),
            ResidentBytes = residentBytes,
            Share = _refused ?? Share?.Status(),
        };
    }

    /// <summary>Requests that are under way still give their places back, so the semaphore stays; it holds nothing of the system's.</summary>
    public void Dispose()
    {
        Begin(null);
        Activate(null);
        Tap.Dispose();
    }
}
