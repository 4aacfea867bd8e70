namespace EdgeFleet.Controller.Store;

/// <summary>The write did not happen: the disk failed, or the store was closed.</summary>
internal sealed class StoreUnavailableException : IOException
{
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
