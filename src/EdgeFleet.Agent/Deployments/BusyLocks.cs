using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Deployments;

/// <summary>
/// <c>busy/&lt;model&gt;.lock</c>: an application that must not be disturbed now holds a lock (<c>flock</c>) on it, and the agent holds it
/// while it swaps. The kernel lets go of it when the holder dies.
/// </summary>
/// <param name="folder">Exists; the files in it are made here, and anyone who can read them can lock them.</param>
public sealed class BusyLocks(string folder)
{
    public string PathOf(string model) => Path.Join(folder, model + ".lock");

    /// <summary>Makes the file, so that an application finds it.</summary>
    internal void Make(string model) => FileLease.TryAcquire(PathOf(model))?.Dispose();

    /// <summary>Null while somebody else holds it.</summary>
    internal IDisposable? TryTake(string model) => FileLease.TryAcquire(PathOf(model));
}
