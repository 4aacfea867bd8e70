using EdgeFleet.Core;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.State;

/// <summary>The device's state folder: what lies where. All of it is written through <see cref="Files"/>.</summary>
public sealed class StateFolder(string root, IFileStore files)
{
    public string Root { get; } = root;
    public IFileStore Files { get; } = files;

    public string Identity => Path.Join(Root, "identity");
    public string Content => Path.Join(Root, "content", "sha256");
    public string Partial => Path.Join(Root, "content", "partial");
    public string Artifacts => Path.Join(Root, "artifacts");
    /// <summary>Artifacts that are not verified yet; one rename away from <see cref="Artifacts"/>.</summary>
    public string Staging => Path.Join(Root, "staging");
    public string Models => Path.Join(Root, "models");
    public string Deployments => Path.Join(Root, "deployments");
    public string Outbox => Path.Join(Root, "outbox");
    public string Requests => Path.Join(Root, "requests");
    /// <summary>Job files of workers that run now.</summary>
    public string Jobs => Path.Join(Root, "jobs");
    /// <summary>Raw samples of the last benchmarks; reports name them, and they stay here.</summary>
    public string Benchmarks => Path.Join(Root, "benchmarks");
    public string Serve => Path.Join(Root, "serve");
    public string ControlSocket => Path.Join(Serve, "control.sock");
    /// <summary>The models whose files an application loads itself, and the socket on which it tells its health.</summary>
    public string FileMode => Path.Join(Root, "file-mode");
    public string HealthSocket => Path.Join(FileMode, "health.sock");
    /// <summary>Locks with which applications say that they must not be disturbed.</summary>
    public string Busy => Path.Join(Root, "busy");
    public string Desired => Path.Join(Root, "desired.json");
    public string Presence => Path.Join(Root, "presence.json");
    /// <summary>Held while an agent runs on this folder.</summary>
    public string RunLock => Path.Join(Root, "run.lock");
    /// <summary>Bytes that are given up so that a rollback can be written to a full disk.</summary>
    public string Reserve => Path.Join(Root, "reserve");

    public string Blob(Digest digest) => Path.Join(Content, digest.Hex);
    public string PartialBlob(Digest digest) => Path.Join(Partial, digest.Hex + ".part");
    public string Artifact(Digest digest) => Path.Join(Artifacts, digest.Hex);
    public string ArtifactFiles(Digest digest) => Path.Join(Artifact(digest), "files");
    public string Staged(Digest digest) => Path.Join(Staging, digest.Hex);
    public string Model(string model) => Path.Join(Models, model);
    public string Slots(string model) => Path.Join(Models, model, "slots.json");
    public string Current(string model) => Path.Join(Models, model, "current");
    public string FileModeEntry(string model) => Path.Join(FileMode, model + ".json");
    public string HookRecord(string model) => Path.Join(Models, model, "hook.json");
    public string Deployment(string model) => Path.Join(Deployments, model + ".json");
    public string Memory(string model) => Path.Join(Deployments, "memory", model + ".json");
    public string RollbackRequest(string model) => Path.Join(Requests, $"rollback-{model}.json");

    public static string Envelope(string artifactFolder) => Path.Join(artifactFolder, "manifest.dsse.json");

    /// <summary>Makes the folders. Safe to repeat.</summary>
    public void Prepare()
    {
        DurableDirectory.Create(Files, Root);
        DurableDirectory.Create(Files, Identity, DurableDirectory.PrivateMode);
        foreach (string folder in new[] { Content, Partial, Artifacts, Staging, Models, Deployments, Path.Join(Deployments, "memory"), Outbox, Requests, Jobs, Benchmarks, Serve, FileMode, Busy })
        {
            DurableDirectory.Create(Files, folder);
        }
    }

    /// <summary>Artifacts that are complete and verified on this device.</summary>
    public IEnumerable<Digest> HeldArtifacts()
    {
        foreach (string name in Files.List(Artifacts))
        {
            if (Digest.TryParse(name, out Digest digest))
            {
                yield return digest;
            }
        }
    }

    public bool Holds(Digest digest) => Files.Exists(Artifact(digest));
}
