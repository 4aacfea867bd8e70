using System.Buffers;
using EdgeFleet.Linux.Files;

namespace EdgeFleet.Agent.Content;

/// <summary>Gathers small chunks into large writes.</summary>
internal sealed class BlockWriter(IStoredFile file, long offset) : IDisposable
{
    private const int BlockBytes = 1 << 20;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
    private int _used;
    private long _written = offset;

    public long Position => _written + _used;

    public void Append(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            int take = Math.Min(content.Length, BlockBytes - _used);
            content[..take].CopyTo(_buffer.AsSpan(_used));
            _used += take;
            content = content[take..];
            if (_used == BlockBytes)
            {
                Complete();
            }
        }
    }

    /// <summary>Writes what has been gathered.</summary>
    public void Complete()
    {
        if (_used > 0)
        {
            file.Write(_buffer.AsSpan(0, _used), _written);
            _written += _used;
            _used = 0;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
