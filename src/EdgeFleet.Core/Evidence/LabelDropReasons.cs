namespace EdgeFleet.Core.Evidence;

/// <summary>Why a posted label was not counted.</summary>
public static class LabelDropReasons
{
    /// <summary>No request of this id was compared: most labels, where a share of the requests is sampled.</summary>
    public const string Unknown = "unknown";
    /// <summary>The answers to compare it with were forgotten: too old, or too many came after.</summary>
    public const string Late = "late";
    /// <summary>The request has had its label.</summary>
    public const string Twice = "twice";
    /// <summary>Several compared requests had this id.</summary>
    public const string Ambiguous = "ambiguous";
    /// <summary>Another number of labels than the request has rows, or no class of the model.</summary>
    public const string Misfit = "misfit";
    /// <summary>The runner had no room for it.</summary>
    public const string Ring = "ring";
}
