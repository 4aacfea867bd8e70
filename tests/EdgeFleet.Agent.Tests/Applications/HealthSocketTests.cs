using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Core;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>What applications, and whoever else reaches it, say on the health socket.</summary>
public sealed class HealthSocketTests : IAsyncLifetime
{
    private static readonly Digest s_digest = Digest.Of([1]);
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private HealthBoard _board = null!;
    private Task _running = Task.CompletedTask;

    private string SocketPath => _folder["health.sock"];

    public Task InitializeAsync()
    {
        _board = new HealthBoard(_time);
        HealthSocket socket = new(SocketPath, ["fashion"], _board, _ => new HealthAnswer { Ok = true, Digest = s_digest.ToString(), Path = "/files" }, _time, NullLogger<HealthSocket>.Instance);
        _running = socket.RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _folder.Dispose();
    }

    [Fact]
    public async Task A_report_is_taken_and_answered_with_where_the_model_lies()
    {
        using Speaker speaker = new(SocketPath);
        JsonNode answer = await speaker.SayAsync($$"""{"model":"fashion","digest":"{{s_digest}}","instance":"7","requests":10,"errors":1,"outputs":3,"nonFinite":0,"latencyMicros":{"p50":900.5,"p95":1500},"somethingNew":[1]}""");

        Assert.Equal("""{"ok":true,"digest":"DIGEST","path":"/files"}""".Replace("DIGEST", s_digest.ToString(), StringComparison.Ordinal), answer.ToJsonString());
        HealthTotals totals = _board.Find("fashion", s_digest)!;
        Assert.Equal((10, 1, 3L, 900.5, 1500.0), (totals.Requests, totals.Errors, totals.Outputs!.Value, totals.P50Micros, totals.P95Micros));
    }

    [Fact]
    public async Task The_digest_may_be_the_name_of_the_folder_that_current_points_to()
    {
        using Speaker speaker = new(SocketPath);
        Assert.True((bool)(await speaker.SayAsync(Line(digest: s_digest.Hex)))["ok"]!);
        Assert.NotNull(_board.Find("fashion", s_digest));
    }

    [Theory]
    [InlineData("", "the line is not a health report")]
    [InlineData("GET / HTTP/1.1", "the line is not a health report")]
    [InlineData("null", "the line is null")]
    [InlineData("[1]", "the line is not a health report")]
    [InlineData("""{"model":"../x","digest":"D","requests":1,"errors":0}""", "model '../x': expected 1 to 63 lower-case letters")]
    [InlineData("""{"digest":"D","requests":1,"errors":0}""", "model '': expected")]
    [InlineData("""{"model":"sound","digest":"D","requests":1,"errors":0}""", "model 'sound' is not in file mode on this device; those that are: fashion")]
    [InlineData("""{"model":"fashion","digest":"sha256:12","requests":1,"errors":0}""", "digest 'sha256:12': expected sha256: and 64 hexadecimal digits")]
    [InlineData("""{"model":"fashion","digest":"D"}""", "requests and errors are needed")]
    [InlineData("""{"model":"fashion","digest":"D","requests":-1,"errors":0}""", "requests is -1; 0 to 9007199254740992 are possible")]
    [InlineData("""{"model":"fashion","digest":"D","requests":1.5,"errors":0}""", "the line is not a health report")]
    [InlineData("""{"model":"fashion","digest":"D","requests":1,"errors":2}""", "errors is 2, more than the 1 requests")]
    [InlineData("""{"model":"fashion","digest":"D","requests":1,"errors":0,"latencyMicros":{"p95":-3}}""", "latencyMicros.p95 is -3")]
    [InlineData("""{"model":"fashion","digest":"D","requests":99999999999999999999,"errors":0}""", "the line is not a health report")]
    public async Task What_is_wrong_with_a_line_is_said_and_the_next_one_is_heard(string line, string error)
    {
        using Speaker speaker = new(SocketPath);
        JsonNode answer = await speaker.SayAsync(line.Replace("\"D\"", $"\"{s_digest}\"", StringComparison.Ordinal));
        Assert.False((bool)answer["ok"]!);
        Assert.StartsWith(error, (string)answer["error"]!, StringComparison.Ordinal);
        Assert.Null(_board.Find("fashion", s_digest));

        Assert.True((bool)(await speaker.SayAsync(Line()))["ok"]!);
    }

    [Fact]
    public async Task A_line_may_come_in_pieces_and_several_at_once()
    {
        using Speaker speaker = new(SocketPath);
        string line = Line();
        await speaker.WriteAsync(line[..30]);
        await speaker.WriteAsync(line[30..] + "\n" + Line(requests: 20) + "\n" + Line(requests: 30)[..10]);
        Assert.True((bool)(await speaker.ReadAsync())["ok"]!);
        Assert.True((bool)(await speaker.ReadAsync())["ok"]!);
        await speaker.WriteAsync(Line(requests: 30)[10..] + "\n");
        Assert.True((bool)(await speaker.ReadAsync())["ok"]!);

        Assert.Equal(30, _board.Find("fashion", s_digest)!.Requests);
    }

    [Fact]
    public async Task A_line_without_an_end_ends_its_connection_and_no_other()
    {
        using Speaker honest = new(SocketPath);
        Assert.True((bool)(await honest.SayAsync(Line()))["ok"]!);
        using Speaker endless = new(SocketPath);
        await endless.WriteAsync(new string('x', HealthReport.LongestLine + 1));

        Assert.Equal($"a line has more than {HealthReport.LongestLine} bytes", (string)(await endless.ReadAsync())["error"]!);
        Assert.True(await endless.IsClosedAsync());
        Assert.True((bool)(await honest.SayAsync(Line()))["ok"]!);
    }

    [Fact]
    public async Task More_connections_than_there_is_room_for_are_told_so_and_one_that_ends_makes_room()
    {
        List<Speaker> speakers = [.. Enumerable.Range(0, 16).Select(_ => new Speaker(SocketPath))];
        foreach (Speaker speaker in speakers)
        {
            Assert.True((bool)(await speaker.SayAsync(Line()))["ok"]!);
        }
        using (Speaker tooMany = new(SocketPath))
        {
            Assert.StartsWith("16 connections are open", (string)(await tooMany.ReadAsync())["error"]!, StringComparison.Ordinal);
            Assert.True(await tooMany.IsClosedAsync());
        }
        speakers[0].Dispose();
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        bool heard = false;
        while (!heard)
        {
            Assert.False(limit.IsCancellationRequested, "no room was made");
            using Speaker next = new(SocketPath);
            heard = await next.TrySayAsync(Line());
        }
        speakers.ForEach(speaker => speaker.Dispose());
    }

    [Fact]
    public async Task One_that_says_nothing_for_minutes_makes_room()
    {
        using Speaker quiet = new(SocketPath);
        Assert.True((bool)(await quiet.SayAsync(Line()))["ok"]!);
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        while (_time.NextDue is null)
        {
            Assert.False(limit.IsCancellationRequested, "nobody waits");
            await Task.Yield();
        }
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(await quiet.IsClosedAsync());
    }

    [Fact]
    public void Only_the_user_and_its_group_may_speak() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, File.GetUnixFileMode(SocketPath));

    [Fact]
    public void Counts_of_a_process_that_began_again_come_on_top()
    {
        _board.Take("fashion", s_digest, Report("a", 10, 1));
        _board.Take("fashion", s_digest, Report("a", 15, 1));
        DateTimeOffset first = _board.Find("fashion", s_digest)!.StartedAt;
        _time.Advance(TimeSpan.FromSeconds(5));
        _board.Take("fashion", s_digest, Report("b", 3, 1));

        Assert.Equal((18, 2), (_board.Find("fashion", s_digest)!.Requests, _board.Find("fashion", s_digest)!.Errors));
        Assert.True(_board.Find("fashion", s_digest)!.StartedAt > first);
    }

    [Fact]
    public void A_process_without_a_name_is_another_when_its_counts_go_down()
    {
        _board.Take("fashion", s_digest, Report(null, 10, 0));
        _board.Take("fashion", s_digest, Report(null, 4, 0));

        Assert.Equal(14, _board.Find("fashion", s_digest)!.Requests);
    }

    [Fact]
    public void What_is_remembered_of_many_digests_and_processes_stays_small()
    {
        for (int i = 0; i < 1000; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _board.Take("fashion", Digest.Of([(byte)i, (byte)(i >> 8)]), Report($"{i}", 1, 0));
            _board.Take("fashion", s_digest, Report($"{i}", 1, 0));
        }
        Assert.Equal(1000, _board.Find("fashion", s_digest)!.Requests);
        Assert.Null(_board.Find("fashion", Digest.Of([0, 0])));
    }

    private static HealthReport Report(string? instance, long requests, long errors) => new() { Instance = instance, Requests = requests, Errors = errors };

    private static string Line(string? digest = null, int requests = 10) => $$"""{"model":"fashion","digest":"{{digest ?? s_digest.ToString()}}","requests":{{requests}},"errors":0}""";

    private sealed class Speaker : IDisposable
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly StreamReader _reader;

        public Speaker(string path)
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            _reader = new StreamReader(new NetworkStream(_socket, ownsSocket: false), Encoding.UTF8);
        }

        public async Task WriteAsync(string text)
        {
            ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(text);
            while (rest.Length > 0)
            {
                rest = rest[await _socket.SendAsync(rest)..];
            }
        }

        public async Task<JsonNode> ReadAsync() => JsonNode.Parse((await _reader.ReadLineAsync().WaitAsync(s_patience))!)!;

        public async Task<JsonNode> SayAsync(string line)
        {
            await WriteAsync(line + "\n");
            return await ReadAsync();
        }

        public async Task<bool> TrySayAsync(string line)
        {
            try
            {
                return (bool)(await SayAsync(line))["ok"]!;
            }
            catch (Exception ex) when (ex is SocketException or IOException or ArgumentNullException)
            {
                return false;
            }
        }

        public async Task<bool> IsClosedAsync()
        {
            try
            {
                return await _reader.ReadLineAsync().WaitAsync(s_patience) is null;
            }
            catch (IOException)
            {
                return true; // what it had said and nobody read resets the connection
            }
        }

        public void Dispose()
        {
            _reader.Dispose();
            _socket.Dispose();
        }
    }
}
