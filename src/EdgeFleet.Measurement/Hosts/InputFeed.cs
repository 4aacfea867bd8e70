using System.Runtime.InteropServices;
using EdgeFleet.Inference;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>
/// The inputs that a model is measured with, in memory before the measurement begins. A file holds one input after the other,
/// each the bytes of all the model's input tensors in the contract's order; without a file there is one synthetic input.
/// </summary>
internal sealed unsafe class InputFeed : IDisposable
{
    private readonly PreparedCall _call;
    private readonly int[] _lengths;
    private readonly int _inputBytes;
    private readonly ulong _seed;
    private byte* _data;

    /// <exception cref="InferenceException">The file does not hold whole inputs of this model.</exception>
    public InputFeed(PreparedCall call, string? path, ulong seed)
    {
        (_call, _seed) = (call, seed);
        _lengths = [.. call.Inputs.Select(input => input.ByteCount)];
        _inputBytes = _lengths.Sum();
        if (path is null)
        {
            SyntheticInputs.Fill(call, seed);
            return;
        }
        byte[] all = File.ReadAllBytes(path);
        if (_inputBytes == 0 || all.Length == 0 || all.Length % _inputBytes != 0)
        {
            throw new InferenceException($"inputs '{path}': {all.Length} bytes are not a whole number of inputs of {_inputBytes} bytes each");
        }
        Count = all.Length / _inputBytes;
        _data = (byte*)NativeMemory.AlignedAlloc((nuint)all.Length, 64);
        all.CopyTo(new Span<byte>(_data, all.Length));
    }

    public int Count { get; } = 1;

    /// <summary>Puts the input of this number (modulo how many there are) into the bound buffers. Allocates nothing.</summary>
    public void Put(long number)
    {
        if (_data is null)
        {
            return; // the one synthetic input stays where it is
        }
        byte* from = _data + (number % Count * _inputBytes);
        for (int i = 0; i < _lengths.Length; i++)
        {
            new ReadOnlySpan<byte>(from, _lengths[i]).CopyTo(_call.Inputs[i].Bytes);
            from += _lengths[i];
        }
    }

    /// <summary>As <see cref="Put"/>, and of synthetic inputs as many different ones as are asked for.</summary>
    public void PutForComparison(int number)
    {
        if (_data is null)
        {
            SyntheticInputs.Fill(_call, _seed + (ulong)number);
        }
        Put(number);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
