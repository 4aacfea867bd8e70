namespace EdgeFleet.Controller.Store;

/// <summary>
/// Sees each transaction just before and just after it reaches the disk. Tests stop the store there, which is what a kill of
/// the process at that moment leaves behind.
/// </summary>
internal interface IWriteObserver
{
    void Committing(IReadOnlyList<string> work);
    void Committed(IReadOnlyList<string> work);
}
