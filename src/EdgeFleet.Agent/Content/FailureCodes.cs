namespace EdgeFleet.Agent.Content;

/// <summary>Stable words for why a deployment did not go on; they travel in reports and are what a program may compare.</summary>
public static class FailureCodes
{
    public const string BadSignature = "bad-signature";
    public const string BadManifest = "bad-manifest";
    public const string BadContent = "bad-content";
    public const string BadModel = "bad-model";
    public const string OtherContract = "other-contract";
    public const string DoesNotLoad = "does-not-load";
    public const string Crashed = "model-crashed";
    public const string OutOfMemory = "out-of-memory";
    public const string NonFinite = "non-finite";
    public const string WrongShape = "wrong-shape";
    public const string InferenceFailed = "inference-failed";
    public const string FailedRequests = "failed-requests";
    public const string CrashLoop = "crash-loop";
    public const string SlowerThanBaseline = "slower-than-baseline";
    public const string BiggerThanBaseline = "bigger-than-baseline";
    public const string HungrierThanBaseline = "hungrier-than-baseline";
    /// <summary>The rollout asks for energy, and this device cannot measure it.</summary>
    public const string NoEnergyEvidence = "no-energy-evidence";
    public const string OtherHardware = "other-hardware";
    public const string DiskFull = "disk-full";
    public const string FailedBefore = "failed-before";
    public const string DownloadBroken = "download-broken";
    public const string NotAvailable = "not-available";
    public const string RunnerAway = "runner-away";
    public const string WorkerFailed = "worker-failed";
    public const string DeadlinePassed = "deadline-passed";
    public const string NotWanted = "not-wanted";
    /// <summary>Not wanted any more, and yet served until the next model is: the device has no other.</summary>
    public const string KeptServing = "kept-serving";
    public const string RolledBackHere = "rolled-back-here";
    /// <summary>The hook that tells an application of its new files ended with another exit code than 0.</summary>
    public const string HookFailed = "hook-failed";
    public const string HookTimedOut = "hook-timed-out";
    /// <summary>There is no such program, or it may not be run: the device's set-up, not the model.</summary>
    public const string HookNotStarted = "hook-not-started";
    /// <summary>An application that loads its files itself said nothing of the model on probation.</summary>
    public const string ApplicationSilent = "application-silent";
    /// <summary>It says that it has loaded another.</summary>
    public const string ApplicationElsewhere = "application-elsewhere";
    /// <summary>It told of outputs before, and of none with the model on probation.</summary>
    public const string NoOutputs = "no-outputs";
    /// <summary>No failure: it may begin only in a maintenance window, and none is open.</summary>
    public const string WaitsForWindow = "waits-for-window";
    /// <summary>No failure: the application holds its busy lock.</summary>
    public const string WaitsForApplication = "waits-for-application";
    /// <summary>No failure: there is no shadow here, and the detail says why.</summary>
    public const string ShadowAbsent = "shadow-absent";
    /// <summary>The device has no memory for a second session beside the one that serves.</summary>
    public const string NoMemory = "no-memory";
    /// <summary>What serves the model here cannot let a candidate answer a share of the requests.</summary>
    public const string NoShares = "no-shares";
    public const string NothingToRestore = "nothing-to-restore";
}
