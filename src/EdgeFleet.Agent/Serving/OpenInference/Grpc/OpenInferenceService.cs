using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Protocol.OpenInference;
using Grpc.Core;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>Health and metadata over gRPC, from the same sources as REST. Inferences take <see cref="GrpcApplication"/>'s path.</summary>
internal sealed class OpenInferenceService(ModelTable models) : GRPCInferenceService.GRPCInferenceServiceBase
{
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = models.Ready });

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) => GrpcErrors.Mapped(() =>
        Task.FromResult(new ModelReadyResponse { Ready = models.Find(request.Name, request.Version).Active is not null }));

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context)
    {
        ServerMetadata ours = OpenInference.ServerMetadata.Ours;
        return Task.FromResult(new ServerMetadataResponse { Name = ours.Name, Version = ours.Version, Extensions = { ours.Extensions } });
    }

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context) => GrpcErrors.Mapped(() =>
    {
        ModelMetadata model = OpenInference.ModelMetadata.Of(models.Find(request.Name, request.Version));
        return Task.FromResult(new ModelMetadataResponse
        {
            Name = model.Name,
            Versions = { model.Versions },
            Platform = model.Platform,
            Inputs = { model.Inputs.Select(Tensor) },
            Outputs = { model.Outputs.Select(Tensor) },
        });
    });

    private static ModelMetadataResponse.Types.TensorMetadata Tensor(TensorMetadata tensor) =>
        new() { Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape } };
}
