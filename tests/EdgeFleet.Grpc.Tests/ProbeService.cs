using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeFleet.Grpc.Tests;

/// <summary>The probe in C#; Peers/ holds the same in Python and JavaScript.</summary>
internal sealed class ProbeService(ProbeState state) : Probe.ProbeBase
{
    public override async Task<Message> Echo(Message request, ServerCallContext context)
    {
        (state.LastContext, state.LastPeer) = (context, context.Peer);
        Metadata echoed = [];
        foreach (Metadata.Entry entry in context.RequestHeaders.Where(entry => entry.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            echoed.Add(entry);
            context.ResponseTrailers.Add(entry);
        }

        if (echoed.Count > 0)
        {
            await context.WriteResponseHeadersAsync(echoed);
        }

        await ObeyAsync(request.Wish, context);
        return request;
    }

    public override async Task Count(Message request, IServerStreamWriter<Message> responseStream, ServerCallContext context)
    {
        ByteString payload = ByteString.CopyFrom(new byte[request.Wish?.ReplyBytes ?? 0]);
        for (long i = 0; i < request.Number; i++)
        {
            try
            {
                await responseStream.WriteAsync(new Message { Number = i, Payload = payload });
            }
            catch (OperationCanceledException)
            {
                state.CancellationSeen();
                throw;
            }
        }

        await ObeyAsync(request.Wish, context);
    }

    public override async Task<Message> Sum(IAsyncStreamReader<Message> requestStream, ServerCallContext context)
    {
        long sum = 0;
        int count = 0;
        int? stopAfter = null;
        try
        {
            await foreach (Message message in requestStream.ReadAllAsync(CancellationToken.None))
            {
                stopAfter ??= message.Wish?.StopAfter ?? 0;
                sum += message.Number;
                if (++count == stopAfter)
                {
                    await ObeyAsync(message.Wish, context);
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            state.CancellationSeen();
            throw;
        }

        return new Message { Number = sum, Text = $"{count}" };
    }

    public override async Task Chat(IAsyncStreamReader<Message> requestStream, IServerStreamWriter<Message> responseStream, ServerCallContext context)
    {
        try
        {
            await foreach (Message message in requestStream.ReadAllAsync(CancellationToken.None))
            {
                await responseStream.WriteAsync(message);
                if (message.Wish is { } wish)
                {
                    await ObeyAsync(wish, context);
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            state.CancellationSeen();
            throw;
        }
    }

    public override async Task<Message> AwaitCancellations(Message request, ServerCallContext context)
    {
        await state.CancellationsAsync((int)request.Number).WaitAsync(context.CancellationToken);
        return request;
    }

    private async Task ObeyAsync(Wish? wish, ServerCallContext context)
    {
        if (wish is null)
        {
            return;
        }

        if (wish.Goodbye)
        {
            context.GetHttpContext().Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
        }

        if (wish.Cut)
        {
            context.GetHttpContext().Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
        }

        if (wish.Hang)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                state.CancellationSeen();
                throw;
            }
        }

        if (wish.Deaf)
        {
            state.BeDeaf();
            await state.Released;
        }

        if (wish.Status != 0)
        {
            throw new RpcException(new Status((StatusCode)wish.Status, wish.Detail));
        }
    }
}
