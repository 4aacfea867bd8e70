using System.Net.Sockets;
using System.Text.Json;
using EdgeFleet.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// <c>file-mode/health.sock</c>: an application connects, writes a line of JSON from time to time, and reads one after each. Who
/// is on the other side is not known: lines, connections and waits are bounded, and what is wrong is answered.
/// </summary>
internal sealed partial class HealthSocket(string path, IReadOnlyCollection<string> models, HealthBoard board, Func<string, HealthAnswer> answer, TimeProvider time, ILogger log)
{
    private const int MostConnections = 16;
    /// <summary>One that says nothing for so long makes room for another.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(10);
    private int _connections;

    /// <summary>Until cancelled. A socket that cannot be had is said and tried again: without it applications count as silent.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using Socket listener = Listen();
                LogListening(path, string.Join(", ", models));
                await AcceptAsync(listener, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception ex) when (ex is SocketException or IOException or UnauthorizedAccessException)
            {
                LogNoSocket(path, ex.Message, s_retry);
                await Task.Delay(s_retry, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Socket Listen()
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // The folder is this agent's alone, and only one runs on it: what is there is left over.
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            // As the runner's own: the group may speak.
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
            listener.Listen(MostConnections);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        List<Task> open = [];
        try
        {
            while (true)
            {
                Socket connection = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
                open.RemoveAll(task => task.IsCompleted);
                open.Add(SpeakAsync(connection, cancellationToken));
            }
        }
        finally
        {
            await Task.WhenAll(open).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SpeakAsync(Socket connection, CancellationToken cancellationToken)
    {
        using (connection)
        {
            bool room = Interlocked.Increment(ref _connections) <= MostConnections;
            try
            {
                if (room)
                {
                    await ListenToAsync(connection, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    await SendAsync(connection, Refusal($"{MostConnections} connections are open; one process has to speak for a model, over one of them"), cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception ex) when (ex is SocketException or IOException || (ex is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The application is gone, or it does not read what it is told.
                LogGone(ex.Message);
            }
            finally
            {
                Interlocked.Decrement(ref _connections);
            }
        }
    }

    private async Task ListenToAsync(Socket connection, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[HealthReport.LongestLine + 1];
        int filled = 0;
        while (true)
        {
            int newLine;
            while ((newLine = buffer.AsSpan(0, filled).IndexOf((byte)'\n')) >= 0)
            {
                await SendAsync(connection, Take(buffer.AsSpan(0, newLine)), cancellationToken).ConfigureAwait(false);
                buffer.AsSpan(newLine + 1, filled - newLine - 1).CopyTo(buffer);
                filled -= newLine + 1;
            }
            if (filled == buffer.Length)
            {
                await SendAsync(connection, Refusal($"a line has more than {HealthReport.LongestLine} bytes"), cancellationToken).ConfigureAwait(false);
                return;
            }
            using CancellationTokenSource idle = new(s_idle, time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
            int read = await connection.ReceiveAsync(buffer.AsMemory(filled), either.Token).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }
            filled += read;
        }
    }

    private HealthAnswer Take(ReadOnlySpan<byte> line)
    {
        if (HealthReport.Parse(line, out Digest digest, out string error) is not { } report)
        {
            return Refusal(error);
        }
        if (!models.Contains(report.Model!))
        {
            return Refusal($"model '{report.Model}' is not in file mode on this device; those that are: {string.Join(", ", models)}");
        }
        board.Take(report.Model!, digest, report);
        return answer(report.Model!);
    }

    private async Task SendAsync(Socket connection, HealthAnswer said, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(s_answerLimit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        ReadOnlyMemory<byte> rest = (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(said, HealthJsonContext.Default.HealthAnswer), (byte)'\n'];
        while (rest.Length > 0)
        {
            rest = rest[await connection.SendAsync(rest, either.Token).ConfigureAwait(false)..];
        }
    }

    private static HealthAnswer Refusal(string error) => new() { Ok = false, Error = error };

    [LoggerMessage(EventId = 3701, Level = LogLevel.Information, Message = "Applications tell their health at '{Path}': {Models}")]
    private partial void LogListening(string path, string models);

    [LoggerMessage(EventId = 3702, Level = LogLevel.Error, Message = "Applications cannot tell their health at '{Path}' ({Reason}); next attempt in {Interval}, and until then they count as silent")]
    private partial void LogNoSocket(string path, string reason, TimeSpan interval);

    [LoggerMessage(EventId = 3703, Level = LogLevel.Debug, Message = "A connection of an application ended: {Reason}")]
    private partial void LogGone(string reason);
}
