using System.Buffers;
using System.Diagnostics;
using System.Threading.Channels;
using EdgeFleet.Agent.Serving.Control;
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

    private readonly Channel<Sample> _samples = Channel.CreateBounded<Sample>(Slots);
    private long _openUntil = long.MinValue;
    private long _heldBytes;
    private long _dropped;
    private long _seen;
    private int _everyNth = 1;

    /// <summary>Cheap enough to ask at each request, with a time that the request took anyway.</summary>
    public bool IsOpen(long now) => now < Volatile.Read(ref _openUntil);

    public void Offer(IReadOnlyList<PreparedTensor> inputs)
    {
        if (Interlocked.Increment(ref _seen) % Volatile.Read(ref _everyNth) != 0)
        {
            return;
        }
        int size = SampleCodec.SizeOf(inputs);
        if (Interlocked.Add(ref _heldBytes, size) > MaximumBytes)
        {
            Interlocked.Add(ref _heldBytes, -size);
            Interlocked.Increment(ref _dropped);
            return;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        SampleCodec.Write(inputs, buffer);
        if (!_samples.Writer.TryWrite(new Sample(buffer, size)))
        {
            Release(new Sample(buffer, size));
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Opens the tap, waits for a first sample and takes what is there.</summary>
    /// <returns>The samples' encoded bytes and how many were dropped since the last call.</returns>
    public async Task<(byte[] Encoded, int Count, long Dropped)> TakeAsync(
        int max, int everyNth, TimeSpan wait, TimeProvider time, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _everyNth, Math.Max(everyNth, 1));
        bool wasOpen = IsOpen(Stopwatch.GetTimestamp());
        Volatile.Write(ref _openUntil, Stopwatch.GetTimestamp() + s_open);
        if (!wasOpen)
        {
            Drain();
        }
        using CancellationTokenSource timeout = new(wait, time);
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
        using MemoryStream encoded = new();
        encoded.Write(SampleCodec.Empty);
        int count = 0;
        while (count < max && _samples.Reader.TryRead(out Sample sample))
        {
            encoded.Write(sample.Buffer.AsSpan(0, sample.Size));
            Release(sample);
            count++;
        }
        byte[] bytes = encoded.ToArray();
        SampleCodec.WriteCount(bytes, count);
        return (bytes, count, Interlocked.Exchange(ref _dropped, 0));
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

    private readonly record struct Sample(byte[] Buffer, int Size);
}
