using System.Buffers;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Inference;
using EdgeFleet.Protocol.OpenInference;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>The protocol's gRPC form: the requests of HTTP/2 connections.</summary>
internal sealed partial class GrpcApplication
{
    private static readonly RequestReader s_read = static (context, names, maximumBatch) =>
        ModelInferReader.Read(context.Message, names, maximumBatch, context.Infer);
    private readonly ModelTable _models;
    private readonly ModelTurn _turn;
    private readonly GrpcDispatcher _dispatcher;
    private readonly ILogger<GrpcApplication> _logger;

    public GrpcApplication(ModelTable models, ModelTurn turn, ServeOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        (_models, _turn, _logger) = (models, turn, loggers.CreateLogger<GrpcApplication>());
        GrpcServiceOptions limits = new()
        {
            MaxReceiveMessageSize = (int)Math.Min(options.MaximumRequestBytes, int.MaxValue),
            // What a model answers is the model's size, not a caller's.
            MaxSendMessageSize = null,
        };
        _dispatcher = new GrpcDispatcher(limits, time, loggers);
        _dispatcher.Add(GRPCInferenceService.BindService(new OpenInferenceService(models)));
        // The generated code would make objects of a message before anybody looks at it: two copies of each tensor and their garbage.
        _dispatcher.AddUnary("/inference.GRPCInferenceService/ModelInfer", InferAsync, ModelInferAnswer.Marshaller);
    }

    public async Task AnswerAsync(Exchange context)
    {
        context.Features.Set(context);
        context.Http.Initialize(context.Features);
        try
        {
            await _dispatcher.AnswerAsync(context.Http);
        }
        finally
        {
            context.Http.Uninitialize();
        }
    }

    private async Task<ModelInferAnswer> InferAsync(ReadOnlySequence<byte> message, ServerCallContext call)
    {
        Exchange context = call.GetHttpContext().Features.GetRequiredFeature<Exchange>();
        try
        {
            (string name, string version) = ModelInferReader.ReadTarget(message);
            ServedModel model = _models.Find(name, version);
            context.BeginCall(call, message);
            await _turn.TakeAsync(context, model, version.Length == 0 ? null : version, s_read, context.GrpcAnswer);
            return context.GrpcAnswer;
        }
        catch (RequestException ex)
        {
            throw GrpcErrors.Of(ex);
        }
        catch (InferenceException ex)
        {
            LogInferenceFailed(call.Method, ex.Message);
            throw new RpcException(new Status(StatusCode.Internal, ex.Message));
        }
    }

    [LoggerMessage(EventId = 2111, Level = LogLevel.Warning, Message = "{Method} was answered with INTERNAL: {Reason}")]
    private partial void LogInferenceFailed(string method, string reason);
}
