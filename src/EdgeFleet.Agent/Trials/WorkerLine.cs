using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// One line of a worker's standard output: <c>{"type":"progress","stage":…,"share":…}</c>, <c>{"type":"tick","tick":{…}}</c>,
/// <c>{"type":"result","result":{…}}</c> or <c>{"type":"error","code":…,"message":…}</c>.
/// </summary>
internal sealed record WorkerLine
{
    public const string ProgressType = "progress";
    public const string TickType = "tick";
    public const string ResultType = "result";
    public const string ErrorType = "error";

    public required string Type { get; init; }
    public string? Stage { get; init; }
    public double? Share { get; init; }
    public ShadowTick? Tick { get; init; }
    public BenchEvidence? Result { get; init; }
    /// <summary>One of <see cref="WorkerErrors"/>.</summary>
    public string? Code { get; init; }
    public string? Message { get; init; }

    public static WorkerLine OfProgress(string stage, double share) => new() { Type = ProgressType, Stage = stage, Share = share };

    public static WorkerLine OfTick(ShadowTick tick) => new() { Type = TickType, Tick = tick };

    public static WorkerLine OfResult(BenchEvidence result) => new() { Type = ResultType, Result = result };

    public static WorkerLine OfError(string code, string message) => new() { Type = ErrorType, Code = code, Message = message };

    /// <exception cref="FormatException">The line is not one of ours.</exception>
    public static WorkerLine Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, WorkerLineJsonContext.Default.WorkerLine) ?? throw new FormatException("worker: the line is null");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"worker: '{line[..Math.Min(line.Length, 200)]}': {ex.Message}", ex);
        }
    }

    public override string ToString() => JsonSerializer.Serialize(this, WorkerLineJsonContext.Default.WorkerLine);
}

/// <summary>Why a worker has no result. The last four are not the candidate's doing; a worker that dies without a line crashed.</summary>
internal static class WorkerErrors
{
    public const string ModelNotLoaded = Measurement.Benchmarks.BenchException.ModelNotLoaded;
    public const string ModelFailed = Measurement.Benchmarks.BenchException.ModelFailed;
    public const string ContractChanged = Measurement.Benchmarks.BenchException.ContractChanged;
    public const string NonFinite = Measurement.Benchmarks.BenchException.NonFinite;
    public const string Crashed = Measurement.Benchmarks.BenchException.Crashed;
    public const string Hung = Measurement.Benchmarks.BenchException.Hung;
    public const string BudgetExceeded = Measurement.Benchmarks.BenchException.OutOfMemory;
    /// <summary>The model that serves failed in its trial.</summary>
    public const string BaselineFailed = "BaselineFailed";
    public const string WorldFailed = Measurement.Benchmarks.BenchException.WorldFailed;
    /// <summary>The kernel does not say how much memory the worker takes.</summary>
    public const string NoMemoryReading = "NoMemoryReading";
    /// <summary>The job file cannot be read or says what cannot be done.</summary>
    public const string BadJob = "BadJob";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerLine))]
internal sealed partial class WorkerLineJsonContext : JsonSerializerContext;
