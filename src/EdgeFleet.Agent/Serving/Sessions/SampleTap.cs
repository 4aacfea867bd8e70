using System.Buffers;
using System.Diagnostics;
using System.Threading.Channels;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// Copies of live inputs for whoever polls. Bounded: what does not fit is dropped and counted, so that serving never waits.
/// While nobody has polled for some seconds the tap is closed and costs one comparison per request. Copies live in memory
/// only and are wiped when they were handed over.
/// </summary>
internal sealed class SampleTap : IDisposable
{
    private const int Slots = 32;
    /// <summary>Samples larger than this together are dropped: a tap must not be what fills a small device's memory.</summary>
    private const long MaximumBytes = 32L << 20;
    private static readonly long s_open = 5 * Stopwatch.Frequency;

    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();
    private readonly Channel<Sample> _samples = Channel.CreateBounded<Sample>(Slots);
    private long _openUntil = long.MinValue;
    private long _heldBytes;
    private long _dropped;
    private long _seen;
    private int _everyNth = 1;
    private SliceFilter _slices = new(SliceList.None);

    /// <summary>Cheap enough to ask at each request, with a time that the request took anyway.</summary>
    public bool IsOpen(long now) => now < Volatile.Read(ref _openUntil);

    /// <summary>Takes a copy of a request's inputs, its id and the slices that were asked for.</summary>
    public void Offer(IReadOnlyList<PreparedTensor> inputs, InferRequest request, in ReadOnlySequence<byte> message)
    {
        if (!IsDrawn(Interlocked.Increment(ref _seen), Volatile.Read(ref _everyNth)))
        {
            return;
        }
        SampleTags tags = new(request.Id is { Length: > 0 and <= SampleTags.MaximumIdLength } id ? id : null, Volatile.Read(ref _slices).Read(request, message));
        int tagBytes = tags.Size, size = tagBytes + SampleCodec.SizeOf(inputs);
        if (Interlocked.Add(ref _heldBytes, size) > MaximumBytes)
        {
            Interlocked.Add(ref _heldBytes, -size);
            Interlocked.Increment(ref _dropped);
            return;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        tags.Write(buffer);
        SampleCodec.Write(inputs, buffer.AsSpan(tagBytes));
        Sample sample = new(buffer, tagBytes, size);
        if (!_samples.Writer.TryWrite(sample))
        {
            Release(sample);
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>
    /// One of every n, at a place among them that is drawn anew each time: taking each n-th would meet the same camera for ever
    /// where an application asks in turns.
    /// </summary>
    private bool IsDrawn(long request, int n)
    {
        (long block, long place) = Math.DivRem(request, n);
        ulong mixed = (ulong)block * 0x9E37_79B9_7F4A_7C15 ^ _seed;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return place == (long)((mixed ^ (mixed >> 31)) % (ulong)n);
    }

    /// <summary>Opens the tap, waits for a first sample and takes what is there.</summary>
    /// <param name="poll">How many at once, and which.</param>
    /// <param name="time">Tells how long a poll waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The samples' encoded bytes and how many were dropped since the last call.</returns>
    public async Task<(byte[] Encoded, int Count, long Dropped)> TakeAsync(SamplePoll poll, TimeProvider time, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _everyNth, Math.Max(poll.EveryNth, 1));
        bool wasOpen = IsOpen(Stopwatch.GetTimestamp());
        bool sameSlices = poll.Slices.Equals(_slices.Slices);
        if (!sameSlices)
        {
            Volatile.Write(ref _slices, new SliceFilter(poll.Slices));
        }
        Volatile.Write(ref _openUntil, Stopwatch.GetTimestamp() + s_open);
        if (!wasOpen || !sameSlices)
        {
            Drain();
        }
        using CancellationTokenSource timeout = new(poll.Wait, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _samples.Reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nothing was asked of the model in this time: an empty answer, and the tap stays open.
            return (SampleCodec.Empty, 0, Interlocked.Exchange(ref _dropped, 0));
        }
        List<Sample> taken = [];
        while (taken.Count < poll.Max && _samples.Reader.TryRead(out Sample sample))
        {
            taken.Add(sample);
        }
        return (Encode(taken, poll.Tagged), taken.Count, Interlocked.Exchange(ref _dropped, 0));
    }

    /// <summary>Into one array of the right size: whatever else held the inputs would have to be wiped too.</summary>
    private byte[] Encode(List<Sample> samples, bool tagged)
    {
        byte[] encoded = new byte[SampleCodec.Empty.Length + samples.Sum(sample => sample.Size - (tagged ? 0 : sample.TagBytes))];
        SampleCodec.WriteCount(encoded, samples.Count);
        Span<byte> rest = encoded.AsSpan(SampleCodec.Empty.Length);
        foreach (Sample sample in samples)
        {
            ReadOnlySpan<byte> bytes = sample.Buffer.AsSpan(0, sample.Size)[(tagged ? 0 : sample.TagBytes)..];
            bytes.CopyTo(rest);
            rest = rest[bytes.Length..];
            Release(sample);
        }
        return encoded;
    }

    public void Dispose()
    {
        Volatile.Write(ref _openUntil, long.MinValue);
        Drain();
    }

    /// <summary>What lay in the ring while nobody polled is old news.</summary>
    private void Drain()
    {
        while (_samples.Reader.TryRead(out Sample sample))
        {
            Release(sample);
        }
    }

    private void Release(Sample sample)
    {
        Interlocked.Add(ref _heldBytes, -sample.Size);
        ArrayPool<byte>.Shared.Return(sample.Buffer, clearArray: true);
    }

    private readonly record struct Sample(byte[] Buffer, int TagBytes, int Size);
}
