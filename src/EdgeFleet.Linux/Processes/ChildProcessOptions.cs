namespace EdgeFleet.Linux.Processes;

/// <summary>How to start a worker.</summary>
public sealed record ChildProcessOptions
{
    public required string FileName { get; init; }
    public IReadOnlyList<string> Arguments { get; init; } = [];
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
    /// <summary>Resident memory above this ends the worker. Null: no cap.</summary>
    public long? MemoryLimitBytes { get; init; }
    public TimeSpan MemoryCheckInterval { get; init; } = TimeSpan.FromMilliseconds(50);
    /// <summary>Leaves the worker's standard input open for <see cref="ChildProcess.WriteLineAsync"/>.</summary>
    public bool KeepInput { get; init; }
    /// <summary>Called with each line of the worker's log.</summary>
    public Action<string>? Log { get; init; }
    /// <summary>It is ended together with everything that it started.</summary>
    public bool Family { get; init; }
    /// <summary>How long after its end its log is read on. Null: until it is closed; a program that leaves another one behind with its log would never be done.</summary>
    public TimeSpan? OutputGrace { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>How a worker ended.</summary>
/// <param name="ExitCode">Its own exit code, or 128 and the number of the signal that ended it.</param>
/// <param name="MemoryLimitExceeded">It was ended for its memory.</param>
/// <param name="PeakResidentBytes">The most memory that was seen; null when it ended before the first look.</param>
/// <param name="LastLog">The end of its log, for a person.</param>
public sealed record ChildExit(int ExitCode, bool MemoryLimitExceeded, long? PeakResidentBytes, string LastLog)
{
    /// <summary>It did not end by itself: a crash in native code, or a kill.</summary>
    public bool Signalled => ExitCode > 128;
}
