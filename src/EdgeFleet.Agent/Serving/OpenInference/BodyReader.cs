using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>
/// A request's body as one span: where the server has it in one piece it stays there, else it is gathered in a rented buffer.
/// </summary>
internal sealed class BodyReader : IDisposable
{
    private PipeReader? _pipe;
    private ReadOnlySequence<byte> _sequence;
    private byte[]? _gathered;
    private int _length;

    /// <summary>Valid from <see cref="ReadAsync"/> to <see cref="Release"/>.</summary>
    public ReadOnlySpan<byte> Span => _gathered is null ? _sequence.FirstSpan : _gathered.AsSpan(0, _length);

    public ReadOnlySequence<byte> Sequence => _gathered is null ? _sequence : new ReadOnlySequence<byte>(_gathered, 0, _length);

    /// <exception cref="RequestException">The body is larger than allowed.</exception>
    public async ValueTask ReadAsync(PipeReader pipe, long maximumBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result;
            try
            {
                result = await pipe.ReadAsync(cancellationToken);
            }
            catch (BadHttpRequestException ex)
            {
                // The server itself turns a body away: by the length that was announced, or because it never comes.
                throw ex.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge(maximumBytes) : new RequestException(ex.StatusCode, ex.Message);
            }
            if (result.Buffer.Length > maximumBytes)
            {
                pipe.AdvanceTo(result.Buffer.End);
                throw TooLarge(maximumBytes);
            }
            if (result.IsCompleted)
            {
                _pipe = pipe;
                _sequence = result.Buffer;
                break;
            }
            pipe.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
        if (!_sequence.IsSingleSegment)
        {
            _length = checked((int)_sequence.Length);
            _gathered = ArrayPool<byte>.Shared.Rent(_length);
            _sequence.CopyTo(_gathered);
        }
    }

    private static RequestException TooLarge(long maximumBytes) =>
        new(StatusCodes.Status413PayloadTooLarge, $"the request has more than the {maximumBytes} bytes that are allowed");

    /// <summary>Gives the memory back; what was read is gone.</summary>
    public void Release()
    {
        if (_gathered is not null)
        {
            ArrayPool<byte>.Shared.Return(_gathered);
            _gathered = null;
        }
        _pipe?.AdvanceTo(_sequence.End);
        _pipe = null;
        _sequence = default;
    }

    public void Dispose() => Release();
}
