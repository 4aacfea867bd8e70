using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments;

internal sealed partial class ModelWorker
{
    [LoggerMessage(EventId = 3210, Level = LogLevel.Information, Message = "Model {Model}: deployment of {Digest} begins in phase {Phase} ({Reason})")]
    private static partial void LogBegun(ILogger log, string model, Digest digest, DeploymentPhase phase, DesiredReason reason);

    private void LogBegun(string model, Digest digest, DeploymentPhase phase, DesiredReason reason) => LogBegun(_log, model, digest, phase, reason);

    [LoggerMessage(EventId = 3211, Level = LogLevel.Information, Message = "Model {Model}: {Digest} goes from {From} to {To} {Code} {Detail}")]
    private static partial void LogPhase(ILogger log, string model, string digest, DeploymentPhase from, DeploymentPhase to, string code, string detail);

    private void LogPhase(string model, string digest, DeploymentPhase from, DeploymentPhase to, string code, string detail) =>
        LogPhase(_log, model, digest, from, to, code, detail);

    [LoggerMessage(EventId = 3212, Message = "Model {Model}: phase {Phase} did not end ({Code}: {Detail}); next attempt in {Pause}")]
    private static partial void LogRetry(ILogger log, LogLevel level, string model, DeploymentPhase phase, string code, string detail, TimeSpan pause);

    private void LogRetry(LogLevel level, string model, DeploymentPhase phase, string code, string detail, TimeSpan pause) =>
        LogRetry(_log, level, model, phase, code, detail, pause);

    [LoggerMessage(EventId = 3213, Level = LogLevel.Error, Message = "Model {Model}: the deployment's state could not be saved and nothing was done; next attempt in {Pause}")]
    private static partial void LogSaveFailed(ILogger log, Exception exception, string model, TimeSpan pause);

    private void LogSaveFailed(Exception exception, string model, TimeSpan pause) => LogSaveFailed(_log, exception, model, pause);

    [LoggerMessage(EventId = 3214, Level = LogLevel.Warning, Message = "Model {Model}: this start found {Phase} of {Digest} in progress and goes on with it ({Restarts} starts count against it)")]
    private static partial void LogResumed(ILogger log, string model, DeploymentPhase phase, string digest, int restarts);

    private void LogResumed(string model, DeploymentPhase phase, string digest, int restarts) => LogResumed(_log, model, phase, digest, restarts);

    [LoggerMessage(EventId = 3215, Level = LogLevel.Warning, Message = "Model {Model}: the slots were lost; they are made anew with {Active}")]
    private static partial void LogSlotsRepaired(ILogger log, string model, Digest active);

    private void LogSlotsRepaired(string model, Digest active) => LogSlotsRepaired(_log, model, active);

    [LoggerMessage(EventId = 3216, Level = LogLevel.Warning, Message = "Model {Model}: rolled back here from {From} to {To}: {Detail}")]
    private static partial void LogLocalRollback(ILogger log, string model, string from, string to, string detail);

    private void LogLocalRollback(string model, string from, string to, string detail) => LogLocalRollback(_log, model, from, to, detail);

    [LoggerMessage(EventId = 3217, Level = LogLevel.Warning, Message = "Model {Model}: a local rollback to {Target} is ignored; {Active} is active, and the target has to be another artifact on this device")]
    private static partial void LogLocalRollbackIgnored(ILogger log, string model, string target, string active);

    private void LogLocalRollbackIgnored(string model, string target, string active) => LogLocalRollbackIgnored(_log, model, target, active);

    [LoggerMessage(EventId = 3218, Level = LogLevel.Information, Message = "Model {Model}: the runner does not answer ({Reason}); it reads the slots when it starts")]
    private static partial void LogRunnerAway(ILogger log, string model, string reason);

    private void LogRunnerAway(string model, string reason) => LogRunnerAway(_log, model, reason);

    [LoggerMessage(EventId = 3220, Level = LogLevel.Information, Message = "Model {Model}: {Digest} {Detail}")]
    private static partial void LogHold(ILogger log, string model, string digest, string detail);

    private void LogHold(string model, string digest, string detail) => LogHold(_log, model, digest, detail);

    [LoggerMessage(EventId = 3219, Level = LogLevel.Warning, Message = "Model {Model}: that this end was ordered could not be saved ({Reason}); the next start counts it against the digest on trial")]
    private static partial void LogEndNotSaved(ILogger log, string model, string reason);

    private void LogEndNotSaved(string model, string reason) => LogEndNotSaved(_log, model, reason);
}
