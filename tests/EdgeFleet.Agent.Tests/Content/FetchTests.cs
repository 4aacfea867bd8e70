using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Content;

/// <summary>Content from a controller over the real protocol, and everything that may go wrong with it. Nothing that came is lost, and nothing wrong gets its final name.</summary>
public sealed class FetchTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private readonly SimulatedDisk _disk = new();
    private readonly byte[] _content = new byte[10_500];
    private ScriptedController _controller = null!;
    private ControllerLink _link = null!;
    private StateFolder _state = null!;
    private ArtifactFile _file = null!;

    public async Task InitializeAsync()
    {
        new Random(1).NextBytes(_content);
        _controller = await ScriptedController.StartAsync(_time);
        _state = EnrolledDevice.Create(_controller, _disk);
        _link = new ControllerLink(new IdentityFiles(_state), EnrolledDevice.Document(_controller), _time, NullLogger<ControllerLink>.Instance);
        _file = new ArtifactFile("model.onnx", _content.Length, _controller.Artifacts.Put(_content), ArtifactRole.Model);
    }

    public async Task DisposeAsync()
    {
        _link.Dispose();
        await _controller.DisposeAsync();
    }

    [Fact]
    public async Task What_arrives_whole_gets_its_final_name()
    {
        await FetchAsync();

        Assert.Equal(_content, _disk.Read(_state.Blob(_file.Sha256)));
        Assert.Empty(_disk.List(_state.Partial));
    }

    [Fact]
    public async Task A_cut_after_any_chunk_costs_no_byte_that_had_come()
    {
        for (int chunks = 0; chunks <= _content.Length / ScriptedArtifacts.ChunkBytes; chunks++)
        {
            _disk.Delete(_state.Blob(_file.Sha256));
            _controller.Artifacts.Offsets.Clear();
            _controller.Artifacts.Send = async (content, request, writer, _) =>
            {
                await ScriptedArtifacts.ChunksAsync(content.AsMemory((int)request.Offset), chunks, writer);
                throw new RpcException(new Status(StatusCode.Unavailable, "the link is gone"));
            };
            ArtifactUnavailableException cut = await Assert.ThrowsAsync<ArtifactUnavailableException>(FetchAsync);
            Assert.True(cut.LinkIsAway);

            _controller.Artifacts.Send = ScriptedArtifacts.WholeAsync;
            await FetchAsync();
            Assert.Equal([0UL, (ulong)chunks * ScriptedArtifacts.ChunkBytes], _controller.Artifacts.Offsets);
            Assert.Equal(_content, _disk.Read(_state.Blob(_file.Sha256)));
        }
    }

    [Fact]
    public async Task A_controller_that_dies_in_the_middle_is_a_link_that_is_away()
    {
        _controller.Artifacts.Send = async (content, _, writer, context) =>
        {
            await ScriptedArtifacts.ChunksAsync(content, 3, writer);
            throw ScriptedController.Die(context);
        };
        Assert.True((await Assert.ThrowsAsync<ArtifactUnavailableException>(FetchAsync)).LinkIsAway);

        _controller.Artifacts.Send = ScriptedArtifacts.WholeAsync;
        await FetchAsync();
        Assert.Equal(_content, _disk.Read(_state.Blob(_file.Sha256)));
    }

    public static TheoryData<string, string> Lies => new()
    {
        { "ends early", "the transfer ended at 3000 of 10500 bytes" },
        { "one bit flipped", "digest mismatch, expected" },
        { "longer than signed", "the source sent more than the 10500 bytes that were signed" },
        { "from the beginning again", "the source sent more than the 10500 bytes that were signed" },
        { "another file", "digest mismatch, expected" },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task What_is_not_what_was_signed_is_a_broken_download_and_the_next_attempt_gets_it_right(string lie, string why)
    {
        if (lie == "from the beginning again")
        {
            // So that the lie is about an offset that is not 0.
            _controller.Artifacts.Send = (content, _, writer, _) => ScriptedArtifacts.ChunksAsync(content, 5, writer);
            await Assert.ThrowsAsync<BrokenDownloadException>(FetchAsync);
        }
        _controller.Artifacts.Send = (content, request, writer, _) => lie switch
        {
            "ends early" => ScriptedArtifacts.ChunksAsync(content, 3, writer),
            "one bit flipped" => ScriptedArtifacts.ChunksAsync(Flip(content), int.MaxValue, writer),
            "longer than signed" => ScriptedArtifacts.ChunksAsync(new byte[1 << 20], int.MaxValue, writer),
            "from the beginning again" => ScriptedArtifacts.ChunksAsync(content, int.MaxValue, writer),
            _ => ScriptedArtifacts.ChunksAsync(new byte[content.Length], int.MaxValue, writer),
        };
        BrokenDownloadException broken = await Assert.ThrowsAsync<BrokenDownloadException>(FetchAsync);
        Assert.Contains(why, broken.Message, StringComparison.Ordinal);
        Assert.Contains("'model.onnx'", broken.Message, StringComparison.Ordinal);
        Assert.Null(_disk.Read(_state.Blob(_file.Sha256)));

        _controller.Artifacts.Send = ScriptedArtifacts.WholeAsync;
        await FetchAsync();
        Assert.Equal(_content, _disk.Read(_state.Blob(_file.Sha256)));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_source_that_sends_nothing_or_chunks_without_end_that_hold_nothing_is_given_up(bool chunks)
    {
        TaskCompletionSource going = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _controller.Artifacts.Send = async (content, _, writer, context) =>
        {
            await ScriptedArtifacts.ChunksAsync(content, 2, writer);
            for (int sent = 0; ; sent++)
            {
                if (sent == 100 || !chunks)
                {
                    going.TrySetResult();
                }
                await (chunks ? writer.WriteAsync(new Wire.FetchChunk()) : Task.Delay(Timeout.Infinite, context.CancellationToken));
            }
        };
        Task fetch = FetchAsync();
        await going.Task.WaitAsync(TimeSpan.FromSeconds(20));
        _time.Advance(GrpcArtifactSource.StallLimit);

        ArtifactUnavailableException given = await Assert.ThrowsAsync<ArtifactUnavailableException>(() => fetch.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains("no byte for 60 s", given.Message, StringComparison.Ordinal);
        // Counted: a source that is there and gives nothing must not be asked for ever.
        Assert.False(given.LinkIsAway);
        _controller.Artifacts.Send = ScriptedArtifacts.WholeAsync;
        await FetchAsync();
        Assert.Equal(_content, _disk.Read(_state.Blob(_file.Sha256)));
    }

    [Fact]
    public async Task A_disk_that_is_full_at_any_write_keeps_what_fitted_and_goes_on_when_there_is_room()
    {
        byte[] large = new byte[(2 << 20) + 500_000];
        new Random(2).NextBytes(large);
        ArtifactFile file = new("large.onnx", large.Length, _controller.Artifacts.Put(large), ArtifactRole.Model);
        long roomy = _disk.CapacityBytes;
        long used = roomy - _disk.AvailableBytes("/");
        foreach (int room in new[] { 0, 1 << 20, 2 << 20 })
        {
            _controller.Artifacts.Offsets.Clear();
            _disk.CapacityBytes = used + room;
            IOException full = await Assert.ThrowsAnyAsync<IOException>(() => FetchAsync(file));
            Assert.True(DiskReserve.IsFull(full), full.ToString());
            Assert.Equal(room, _disk.Length(_state.PartialBlob(file.Sha256)));

            _disk.CapacityBytes = roomy;
            await FetchAsync(file);
            Assert.Equal([0UL, (ulong)room], _controller.Artifacts.Offsets);
            Assert.Equal(large, _disk.Read(_state.Blob(file.Sha256)));
            _disk.Delete(_state.Blob(file.Sha256));
        }
    }

    [Fact]
    public void Any_chunk_message_is_read_as_the_generated_parser_reads_it_or_refused()
    {
        Random random = new(3);
        int read = 0, refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] data = new byte[random.Next(0, 40)];
            random.NextBytes(data);
            byte[] message = new Wire.FetchChunk { Data = ByteString.CopyFrom(data) }.ToByteArray();
            for (int change = random.Next(0, 4); change > 0 && message.Length > 0; change--)
            {
                // Bits of the tag and of the length matter most.
                message[random.Next(0, random.Next(1, message.Length + 1))] ^= (byte)(1 << random.Next(8));
            }
            message = random.Next(4) == 0 ? message[..random.Next(0, message.Length + 1)] : message;
            try
            {
                ReadOnlyMemory<byte> slice = FetchMethod.Slice(new System.Buffers.ReadOnlySequence<byte>(message));
                Assert.Equal(Wire.FetchChunk.Parser.ParseFrom(message).Data.ToByteArray(), slice.ToArray());
                read++;
            }
            catch (Exception ex) when (ex is RpcException or InvalidProtocolBufferException)
            {
                refused++;
            }
        }
        Assert.True(read > 1000 && refused > 1000, $"{read} read and {refused} refused");
    }

    private Task FetchAsync() => FetchAsync(_file);

    private Task FetchAsync(ArtifactFile file) => new ArtifactStore(_state, TestArtifacts.Keys, NullLogger<ArtifactStore>.Instance)
        .FetchAsync(file, new GrpcArtifactSource(_link, _time), CancellationToken.None);

    private static byte[] Flip(byte[] content)
    {
        byte[] flipped = [.. content];
        flipped[content.Length / 2] ^= 1;
        return flipped;
    }
}
