using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Broker;

/// <summary>
/// The controller's own mosquitto: set up so that a device reaches nothing but its own topics, started as a child, started again
/// when it dies, and ended with the controller. Sessions find it again by themselves: the port stays the same.
/// </summary>
internal sealed partial class EmbeddedBroker : IReportBroker
{
    private static readonly TimeSpan s_stableAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_renewRetry = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_reloadPatience = TimeSpan.FromSeconds(5);

    private readonly EmbeddedBrokerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<EmbeddedBroker> _log;
    private readonly HashSet<string> _revoked;
    private readonly SemaphoreSlim _change = new(1);
    private readonly CancellationTokenSource _stop = new();
    private BrokerProcess? _process;
    private (string ChainFile, string KeyFile) _identity;
    private Task _supervision = Task.CompletedTask;
    private Task _renewal = Task.CompletedTask;
    private Task _watch = Task.CompletedTask;
    private BrokerEndpoint? _endpoint;
    private string _mosquitto = "";

    public EmbeddedBroker(EmbeddedBrokerOptions options, TimeProvider time, ILogger<EmbeddedBroker> log)
    {
        options.Validate();
        _options = options;
        _time = time;
        _log = log;
        _revoked = [.. options.RevokedDevices];
    }

    /// <summary>After <see cref="StartAsync"/>.</summary>
    public BrokerEndpoint Endpoint => _endpoint ?? throw new InvalidOperationException("the broker has not been started");

    /// <summary>Of the mosquitto that runs now; null while there is none.</summary>
    public int? ProcessId => Volatile.Read(ref _process) is { Exit.IsCompleted: false } process ? process.Id : null;

    /// <summary>Completes when the broker has been stopped; fails when it can be kept running no more.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    private string SettingsFile => Path.Join(_options.Folder, "mosquitto.conf");
    private string AccessFile => Path.Join(_options.Folder, "access.acl");
    private string RecordFile => Path.Join(_options.Folder, "process.json");
    private string PortFile => Path.Join(_options.Folder, "port");
    private string SavedFile => Path.Join(_options.Folder, "mosquitto.db");

    /// <summary>Clears away what an earlier controller left, starts the broker, and returns when it answers.</summary>
    /// <exception cref="IOException">It does not start; the message says why in its own words and ours.</exception>
    public async Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken = default)
    {
        _mosquitto = _options.MosquittoFile ?? BrokerProcess.Find();
        DurableDirectory.Create(LinuxFileStore.Instance, _options.Folder, DurableDirectory.PrivateMode);
        if (BrokerRecord.Load(RecordFile) is { IsRunning: true } orphan)
        {
            LogOrphan(orphan.ProcessId);
            await orphan.EndAsync(_options.StopTimeout, _time, cancellationToken);
        }

        _identity = _options.WriteIdentity();
        long began = _time.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            int port = _options.Port != 0 ? _options.Port : ChoosePort(keep: attempt == 1);
            try
            {
                await LaunchAsync(port, cancellationToken);
                _endpoint = new BrokerEndpoint(_options.AdvertisedHost, port);
                break;
            }
            catch (IOException exception) when (_time.GetElapsedTime(began) < _options.StartTimeout && MayPass(exception, attempt))
            {
                await Task.Delay(_options.RestartDelay, _time, cancellationToken);
            }
        }
        LogAnswers(_endpoint.Port, _process!.Id);
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        _renewal = RenewAsync();
        _watch = WatchAsync();
        Completion = FirstEndAsync();
        return _endpoint;
    }

    /// <summary>
    /// Takes all rights from a device. When the task completes, nothing that the device sends or would be sent passes any more,
    /// also on links that it has open. True where the running broker has confirmed it.
    /// </summary>
    public Task<bool> RevokeAsync(string deviceId, CancellationToken cancellationToken = default) =>
        ChangeAsync(() => _revoked.Add(Identifier.Require("device", deviceId)), cancellationToken);

    /// <summary>Gives a device its rights back.</summary>
    public Task<bool> RestoreAsync(string deviceId, CancellationToken cancellationToken = default) =>
        ChangeAsync(() => _revoked.Remove(deviceId), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // What one of them failed of, Completion has said; the broker is stopped all the same.
        await Task.WhenAll(_supervision, _renewal, _watch).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_process is { } process)
        {
            await process.StopAsync(_options.StopTimeout);
            await process.DisposeAsync();
        }
    }

    private async Task<bool> ChangeAsync(Action change, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken);
        try
        {
            change();
            WriteAccessList();
            WriteSettings(Endpoint.Port);
            if (Volatile.Read(ref _process) is not { Exit.IsCompleted: false } process)
            {
                // The next one reads the new list before it answers anybody.
                return true;
            }
            bool confirmed = await process.ReloadAsync(s_reloadPatience, cancellationToken) || process.Exit.IsCompleted;
            if (!confirmed)
            {
                LogNotConfirmed(process.Id, s_reloadPatience);
            }
            return confirmed;
        }
        finally
        {
            _change.Release();
        }
    }

    private void WriteAccessList() =>
        DurableFile.Write(AccessFile, Encoding.UTF8.GetBytes(BrokerConfiguration.AccessList(_options, _revoked)), DurableFile.PrivateMode);

    private void WriteSettings(int port) =>
        DurableFile.Write(SettingsFile, Encoding.UTF8.GetBytes(BrokerConfiguration.Settings(_options, _identity, port, AccessFile)), DurableFile.PrivateMode);

    /// <summary>Holds off changes of the access list, so that none falls between its reading and the first chance to say "read it again".</summary>
    private async Task LaunchAsync(int port, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken);
        try
        {
            await LaunchAloneAsync(port, cancellationToken);
        }
        finally
        {
            _change.Release();
        }
    }

    private async Task LaunchAloneAsync(int port, CancellationToken cancellationToken)
    {
        WriteAccessList();
        WriteSettings(port);
        BrokerProcess process = await BrokerProcess.StartAsync(_mosquitto, SettingsFile, LogLine, _time);
        try
        {
            BrokerRecord.Of(process.Id)?.Save(RecordFile);
            await process.WaitUntilAnsweringAsync(ProbeAddress(), port, _options.StartTimeout, cancellationToken);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
        Volatile.Write(ref _process, process);
    }

    /// <summary>New links are shown the new certificate; those that are open go on.</summary>
    private async Task RenewAsync()
    {
        TimeSpan pause = _options.RenewEvery;
        try
        {
            while (true)
            {
                await Task.Delay(pause, _time, _stop.Token);
                try
                {
                    await ChangeAsync(() => _identity = _options.WriteIdentity(), _stop.Token);
                    pause = _options.RenewEvery;
                    LogRenewed(pause);
                }
                catch (IOException exception)
                {
                    pause = s_renewRetry;
                    LogNotRenewed(exception, pause);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
            return;
        }
    }

    private async Task FirstEndAsync() => await await Task.WhenAny(_supervision, _renewal, _watch);

    /// <summary>A broker that hangs still takes links into its queue and has not ended: only an answer shows that it works.</summary>
    private async Task WatchAsync()
    {
        BrokerProcess? last = null;
        int missed = 0;
        try
        {
            while (true)
            {
                await Task.Delay(_options.ProbeEvery, _time, _stop.Token);
                if (Volatile.Read(ref _process) is not { Exit.IsCompleted: false } process)
                {
                    continue;
                }
                bool answers = await BrokerProbe.AnswersAsync(ProbeAddress(), Endpoint.Port, _options.ProbeIdentity?.Invoke(), _options.ProbeTimeout, _time, _stop.Token);
                missed = answers ? 0 : ReferenceEquals(process, last) ? missed + 1 : 1;
                last = process;
                if (missed >= _options.ProbesMissed)
                {
                    LogHangs(process.Id, missed, _options.ProbeTimeout);
                    process.Kill();
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
            return;
        }
    }

    private async Task SuperviseAsync()
    {
        int failures = 0;
        try
        {
            while (true)
            {
                BrokerProcess process = _process!;
                long began = _time.GetTimestamp();
                ChildExit exit = await process.Exit.WaitAsync(_stop.Token);
                failures = _time.GetElapsedTime(began) < s_stableAfter ? failures + 1 : 0;
                Volatile.Write(ref _process, null);
                await process.DisposeAsync();
                LogDied(exit.ExitCode, exit.LastLog);
                failures = await RestartAsync(failures);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
            return;
        }
    }

    /// <summary>Until it runs again; returns the failures in a row so far.</summary>
    private async Task<int> RestartAsync(int failures)
    {
        for (int attempt = 1; ; attempt++, failures++)
        {
            TimeSpan delay = _options.RestartDelay * Math.Pow(2, Math.Clamp(failures - 1, 0, 16));
            await Task.Delay(delay < _options.MaximumRestartDelay ? delay : _options.MaximumRestartDelay, _time, _stop.Token);
            try
            {
                await LaunchAsync(Endpoint.Port, _stop.Token);
                LogAnswers(Endpoint.Port, _process!.Id);
                return failures;
            }
            catch (IOException exception)
            {
                LogNotRestarted(exception);
                MayPass(exception, attempt);
            }
        }
    }

    /// <summary>Whether another attempt may go better. Moves away saved sessions that the broker cannot read.</summary>
    private bool MayPass(IOException exception, int attempt)
    {
        bool unreadable = exception.Message.Contains("database", StringComparison.OrdinalIgnoreCase);
        // A broker that dies three times before it answers, without a word about its database, may be crashing on it.
        if (File.Exists(SavedFile) && (unreadable || attempt >= 3))
        {
            string aside = $"{SavedFile}.unreadable";
            File.Move(SavedFile, aside, overwrite: true);
            LogMovedAside(aside);
            return true;
        }
        return exception.Message.Contains("Address already in use", StringComparison.Ordinal) || attempt < 4;
    }

    /// <summary>The port of the last time while nobody else has it; otherwise another.</summary>
    private int ChoosePort(bool keep)
    {
        if (keep && File.Exists(PortFile)
            && int.TryParse(File.ReadAllText(PortFile), NumberStyles.None, CultureInfo.InvariantCulture, out int last) && IsFree(last))
        {
            return last;
        }
        // Below the range of outgoing connections: while the broker is down, none of them may take the port.
        int port;
        do
        {
            port = Random.Shared.Next(15_000, 32_000);
        }
        while (!IsFree(port));
        DurableFile.Write(PortFile, Encoding.ASCII.GetBytes(port.ToString(CultureInfo.InvariantCulture)));
        return port;
    }

    /// <summary>Where a listener bound as the options say can be reached from here.</summary>
    private IPAddress ProbeAddress() => IPAddress.TryParse(_options.BindAddress, out IPAddress? bound)
        ? bound.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound
        : IPAddress.Loopback;

    private static bool IsFree(int port)
    {
        try
        {
            using TcpListener listener = new(IPAddress.Any, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [LoggerMessage(EventId = 2301, Level = LogLevel.Information, Message = "The broker answers on port {Port}, process {ProcessId}")]
    private partial void LogAnswers(int port, int processId);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Warning, Message = "The broker ended with {ExitCode}; starting it again. Its last words: {LastLog}")]
    private partial void LogDied(int exitCode, string lastLog);

    [LoggerMessage(EventId = 2303, Level = LogLevel.Error, Message = "The broker could not be started again; trying on")]
    private partial void LogNotRestarted(Exception exception);

    [LoggerMessage(EventId = 2304, Level = LogLevel.Warning, Message = "The broker could not read its saved sessions; they are now in {Path} and it starts without")]
    private partial void LogMovedAside(string path);

    [LoggerMessage(EventId = 2305, Level = LogLevel.Warning, Message = "An earlier controller left its broker running, process {ProcessId}; ending it")]
    private partial void LogOrphan(int processId);

    [LoggerMessage(EventId = 2306, Level = LogLevel.Error, Message = "The broker, process {ProcessId}, did not confirm within {Patience} that it has read its access list")]
    private partial void LogNotConfirmed(int processId, TimeSpan patience);

    [LoggerMessage(EventId = 2308, Level = LogLevel.Information, Message = "The broker has a new certificate; the next comes in {Pause}")]
    private partial void LogRenewed(TimeSpan pause);

    [LoggerMessage(EventId = 2309, Level = LogLevel.Error, Message = "The broker's certificate could not be renewed; trying again in {Pause}")]
    private partial void LogNotRenewed(Exception exception, TimeSpan pause);

    [LoggerMessage(EventId = 2310, Level = LogLevel.Error, Message = "The broker, process {ProcessId}, runs and has not answered {Missed} times within {Limit}; it is killed and started again")]
    private partial void LogHangs(int processId, int missed, TimeSpan limit);

    [LoggerMessage(EventId = 2307, Level = LogLevel.Debug, Message = "mosquitto: {Line}")]
    private partial void LogLine(string line);
}
