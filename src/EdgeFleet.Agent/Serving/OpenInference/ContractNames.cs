using System.Buffers;
using System.Text;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>A contract with its names as UTF-8, so that a request's names are compared without making strings of them.</summary>
internal sealed class ContractNames(ModelContract contract)
{
    private readonly byte[][] _inputs = [.. contract.Inputs.Select(input => Encoding.UTF8.GetBytes(input.Name))];
    private readonly byte[][] _outputs = [.. contract.Outputs.Select(output => Encoding.UTF8.GetBytes(output.Name))];
    private readonly byte[][] _datatypes = [.. contract.Inputs.Select(input => Encoding.UTF8.GetBytes(input.ElementType))];

    public ModelContract Contract { get; } = contract;

    public int InputOf(ref System.Text.Json.Utf8JsonReader name) => Find(_inputs, ref name);

    public int OutputOf(ref System.Text.Json.Utf8JsonReader name) => Find(_outputs, ref name);

    public bool IsDatatypeOf(int input, ref System.Text.Json.Utf8JsonReader datatype) => datatype.ValueTextEquals(_datatypes[input]);

    public int InputOf(in ReadOnlySequence<byte> name) => Find(_inputs, name);

    public int OutputOf(in ReadOnlySequence<byte> name) => Find(_outputs, name);

    public bool IsDatatypeOf(int input, in ReadOnlySequence<byte> datatype) => IsSame(_datatypes[input], datatype);

    public string InputNames => string.Join(", ", Contract.Inputs.Select(input => input.Name));

    public string OutputNames => string.Join(", ", Contract.Outputs.Select(output => output.Name));

    private static int Find(byte[][] names, ref System.Text.Json.Utf8JsonReader name)
    {
        for (int i = 0; i < names.Length; i++)
        {
            if (name.ValueTextEquals(names[i]))
            {
                return i;
            }
        }
        return -1;
    }

    private static int Find(byte[][] names, in ReadOnlySequence<byte> name)
    {
        for (int i = 0; i < names.Length; i++)
        {
            if (IsSame(names[i], name))
            {
                return i;
            }
        }
        return -1;
    }

    private static bool IsSame(byte[] name, in ReadOnlySequence<byte> given)
    {
        if (given.IsSingleSegment)
        {
            return given.FirstSpan.SequenceEqual(name);
        }
        SequenceReader<byte> reader = new(given);
        return given.Length == name.Length && reader.IsNext(name);
    }
}
