namespace EdgeFleet.Testing.Files;

/// <summary>What a power cut takes of that which was not flushed. A file system may do any of these.</summary>
public enum PowerCutLoss
{
    /// <summary>All of it: names and content are as at their last flush.</summary>
    Everything,
    /// <summary>Nothing: the process was killed and the kernel lives on.</summary>
    Nothing,
    /// <summary>Content only: new names point at empty or older content.</summary>
    Content,
    /// <summary>Names only.</summary>
    Names,
    /// <summary>The second half of unflushed content.</summary>
    HalfOfContent,
}
