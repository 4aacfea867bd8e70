using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>
/// A second copy of the identity, below <c>identity/spare/</c>: one bit that flips on a cheap card must not cost a device the
/// membership that only a person can give back. It is made from what could be read, never the other way round unasked.
/// </summary>
internal sealed class IdentitySpare(StateFolder state)
{
    private readonly IFileStore _files = state.Files;

    private string Folder => Path.Join(state.Identity, "spare");

    public byte[]? Read(string name) => _files.Read(Path.Join(Folder, name));

    /// <summary>Whether these files are to the last bit what was copied when it was whole: no two of them rot alike.</summary>
    public bool Matches(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Read(name) is not { } copy || _files.Read(Path.Join(state.Identity, name)) is not { } content || !content.AsSpan().SequenceEqual(copy))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Copies what differs. A disk without room for it is no reason to stop: the next start tries again.</summary>
    public void Keep(params ReadOnlySpan<string> names)
    {
        try
        {
            DurableDirectory.Create(_files, Folder, DurableDirectory.PrivateMode);
            foreach (string name in names)
            {
                if (_files.Read(Path.Join(state.Identity, name)) is { } content && !content.AsSpan().SequenceEqual(Read(name)))
                {
                    DurableFile.Write(_files, Path.Join(Folder, name), content, DurableFile.PrivateMode);
                }
            }
        }
        catch (IOException ex) when (DiskReserve.IsFull(ex))
        {
            // What is there of the older copy is judged as a whole before it is ever used.
            return;
        }
    }

    /// <summary>Puts a file back; the damaged one is kept aside.</summary>
    public void Restore(string name)
    {
        string path = Path.Join(state.Identity, name);
        if (_files.Exists(path))
        {
            StateFile.Quarantine(_files, path);
        }
        DurableFile.Write(_files, path, Read(name)!, DurableFile.PrivateMode);
    }

    /// <summary>Another identity comes.</summary>
    public void Forget()
    {
        if (_files.Exists(Folder))
        {
            _files.DeleteDirectory(Folder);
            _files.FlushDirectory(state.Identity);
        }
    }
}
