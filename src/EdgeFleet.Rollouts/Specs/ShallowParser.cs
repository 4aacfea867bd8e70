using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// Refuses YAML that is nested deeper than any spec is: the document reader behind it calls itself for each level, and a file
/// of nothing but opening brackets would use up the stack, which ends the process.
/// </summary>
internal sealed class ShallowParser(IParser inner, int maximumDepth) : IParser
{
    private int _depth;

    public ParsingEvent? Current => inner.Current;

    public bool MoveNext()
    {
        if (!inner.MoveNext())
        {
            return false;
        }
        _depth += inner.Current switch
        {
            MappingStart or SequenceStart => 1,
            MappingEnd or SequenceEnd => -1,
            _ => 0,
        };
        return _depth <= maximumDepth
            ? true
            : throw new YamlException(inner.Current!.Start, inner.Current.End, $"nested deeper than {maximumDepth}");
    }
}
