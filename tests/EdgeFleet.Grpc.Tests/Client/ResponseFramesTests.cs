using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Grpc.Core.Wire;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Client;

public sealed class ResponseFramesTests
{
    [Fact]
    public void Messages_come_out_as_they_went_in_however_the_connection_cuts_them() =>
        Prop.ForAll(
            Gen.Frequency((3, Gen.Choose(0, 300)), (1, Gen.Choose(0, 200_000))).ListOf().ToArbitrary(),
            Gen.Frequency((1, Gen.Choose(1, 300)), (3, Gen.Choose(1, 70_000))).NonEmptyListOf().ToArbitrary(),
            (sizes, cuts) => ReadAllAsync([.. sizes], [.. cuts]).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [Fact]
    public async Task A_stream_that_waits_for_bytes_holds_no_buffer()
    {
        CutStream body = new(Frames([10]), [int.MaxValue]) { BlocksAtEnd = true };
        ResponseFrames frames = new(body, null);
        Assert.True(frames.TryEnter());
        Assert.True(await frames.FillAsync(CancellationToken.None));
        Assert.True(frames.HoldsBuffer);
        Assert.True(frames.TryTake(out _));

        Task<bool> waiting = frames.FillAsync(CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.False(frames.HoldsBuffer);
        body.Unblock();
        Assert.False(await waiting.OrFail());
    }

    [Fact]
    public async Task Closing_under_a_pending_read_leaves_it_its_buffer_until_it_has_ended()
    {
        // Half a message, so that the read waits with a buffer in hand.
        CutStream body = new(Frames([100])[..50], [int.MaxValue]) { BlocksAtEnd = true };
        ResponseFrames frames = new(body, null);
        Assert.True(frames.TryEnter());
        Assert.True(await frames.FillAsync(CancellationToken.None));
        Assert.False(frames.TryTake(out _));
        Task<bool> pending = frames.FillAsync(CancellationToken.None).AsTask();
        Assert.False(pending.IsCompleted);

        frames.Close();
        Assert.True(frames.HoldsBuffer);
        body.Unblock();
        await pending.OrFail();
        Assert.True(frames.HoldsBuffer);
        frames.Leave();
        Assert.False(frames.HoldsBuffer);
        Assert.False(frames.TryEnter());
    }

    [Fact]
    public async Task Closing_between_reads_returns_the_buffer_at_once()
    {
        ResponseFrames frames = new(new CutStream(Frames([10, 10]), [int.MaxValue]), null);
        Assert.True(frames.TryEnter());
        Assert.True(await frames.FillAsync(CancellationToken.None));
        frames.Leave();
        Assert.True(frames.HoldsBuffer);
        frames.Close();
        Assert.False(frames.HoldsBuffer);
    }

    [Fact]
    public void One_user_at_a_time()
    {
        ResponseFrames frames = new(Stream.Null, null);
        Assert.True(frames.TryEnter());
        Assert.Throws<InvalidOperationException>(() => frames.TryEnter());
        frames.Leave();
        Assert.True(frames.TryEnter());
    }

    [Fact]
    public async Task A_length_over_the_cap_is_refused_before_room_is_made_for_it()
    {
        ResponseFrames frames = new(new MemoryStream([0, 0x7F, 0xFF, 0xFF, 0xFF]), 1000);
        Assert.True(frames.TryEnter());
        Assert.True(await frames.FillAsync(CancellationToken.None));
        RpcException thrown = Assert.Throws<RpcException>(() => frames.TryTake(out _));
        Assert.Equal(StatusCode.ResourceExhausted, thrown.StatusCode);
    }

    private static async Task ReadAllAsync(int[] sizes, int[] cuts)
    {
        ResponseFrames frames = new(new CutStream(Frames(sizes), cuts), null);
        Assert.True(frames.TryEnter());
        int message = 0;
        do
        {
            while (true)
            {
                bool promised = frames.HasMessage();
                bool taken = frames.TryTake(out ReadOnlySequence<byte> payload);
                Assert.Equal(promised, taken);
                if (!taken)
                {
                    break;
                }

                Assert.Equal(sizes[message], payload.Length);
                Assert.Equal(Payload(message, sizes[message]), payload.ToArray());
                message++;
            }
        }
        while (await frames.FillAsync(CancellationToken.None));
        Assert.Equal(sizes.Length, message);
        Assert.Equal(0, frames.UnfinishedBytes);
        frames.Leave();
        frames.Close();
        Assert.False(frames.HoldsBuffer);
    }

    private static byte[] Payload(int message, int size)
    {
        byte[] payload = new byte[size];
        new System.Random(message).NextBytes(payload);
        return payload;
    }

    private static byte[] Frames(int[] sizes)
    {
        ArrayBufferWriter<byte> frames = new();
        for (int message = 0; message < sizes.Length; message++)
        {
            MessageFrame.WriteHeader(frames.GetSpan(MessageFrame.HeaderBytes), sizes[message]);
            frames.Advance(MessageFrame.HeaderBytes);
            frames.Write(Payload(message, sizes[message]));
        }

        return frames.WrittenSpan.ToArray();
    }

    /// <summary>Gives bytes in pieces of the given sizes, over and over; an empty read waits for the next byte.</summary>
    private sealed class CutStream(byte[] bytes, int[] cuts) : MemoryStream(bytes)
    {
        private readonly TaskCompletionSource _unblocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _cut;

        public bool BlocksAtEnd { get; init; }

        public void Unblock() => _unblocked.TrySetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (BlocksAtEnd && Position == Length)
            {
                await _unblocked.Task.WaitAsync(cancellationToken);
            }

            int length = Math.Min(buffer.Length, cuts[_cut++ % cuts.Length]);
            return await base.ReadAsync(buffer[..length], cancellationToken);
        }
    }
}
