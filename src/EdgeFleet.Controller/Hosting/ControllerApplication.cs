using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using EdgeFleet.Controller.Api;
using EdgeFleet.Controller.Artifacts;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>The web application: services, routes and which listener each belongs to.</summary>
internal static class ControllerApplication
{
    // Open streams are ended by us; two seconds are for what is half written.
    private static readonly TimeSpan s_shutdown = TimeSpan.FromSeconds(2);

    public static WebApplication Build(ControllerOptions options, ControllerParts parts, DataFolder folder, Database database, FleetAuthority authority)
    {
        // Empty: no configuration files that are watched, no logging but ours. What the process is told stands in its options.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "edgefleet-controller" });
        if (parts.Logging is { } logging)
        {
            logging(builder.Logging);
        }
        else
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            });
            builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        }

        Listeners listeners = new();
        listeners.Configure(builder.WebHost, options, authority);
        IServiceCollection services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = s_shutdown);
        services.AddRouting();
        services.AddGrpc();
        services.AddProblemDetails(ApiErrors.Configure);
        services.AddExceptionHandler<ApiErrors>();
        services.AddOpenApi("v1", ApiDescription.Configure);
        services.Configure<RouteHandlerOptions>(route => route.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJsonContext.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(1, RolloutApiJsonContext.Default);
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        });

        services.AddSingleton(options);
        services.AddSingleton(parts.Time);
        services.AddSingleton(listeners);
        services.AddSingleton(folder);
        services.AddSingleton(new SyncSettings
        {
            Tenant = options.Tenant, BeatInterval = options.BeatInterval, MqttRootsPem = options.Broker.ReadRoots()?.ExportCertificatePems() ?? "",
        });
        services.AddSingleton(provider => new ReleaseKeys(folder.TrustFolder, provider.GetRequiredService<ILogger<ReleaseKeys>>()));
        services.AddSingleton(new ContentStore(folder.ContentFolder, options.MaximumContentBytes, parts.Time));
        services.AddSingleton(database);
        services.AddSingleton(authority);
        services.AddSingleton<SignalBoard>();
        services.AddSingleton<FatalErrors>();
        services.AddSingleton<DeviceStreams>();
        services.AddSingleton<DesiredWriter>();
        services.AddSingleton<CatchUp>();
        services.AddSingleton<Assignments>();
        services.AddSingleton<EnrollmentDesk>();
        services.AddSingleton<MetricBoard>();
        services.AddSingleton<DeviceRegistry>();
        services.AddSingleton<Housekeeping>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<AlarmPublisher>();
        services.AddSingleton<WebhookDispatcher>();
        services.AddSingleton<DeviceAccess>();
        services.AddSingleton<DeviceCaller>();
        services.AddSingleton<Publisher>();
        services.AddSingleton<OperatorAccess>();
        services.AddSingleton<RolloutWriter>();
        services.AddSingleton<RolloutHost>();
        services.AddSingleton<IRolloutRunner>(provider => provider.GetRequiredService<RolloutHost>());
        services.AddSingleton<RolloutDesk>();
        services.AddSingleton<RollbackDesk>();
        services.AddSingleton(provider => new IngestDesk(
            database, provider.GetRequiredService<DeviceStreams>(), provider.GetRequiredService<SignalBoard>(), provider.GetRequiredService<MetricBoard>(), options.Tenant, parts.Time,
            provider.GetRequiredService<ILogger<IngestDesk>>()));

        WebApplication app = builder.Build();
        Map(app, database, options);
        return app;
    }

    private static void Map(WebApplication app, Database database, ControllerOptions options)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRouting();
        app.Use(Listeners.KeepPlanesApart);
        app.Use(app.Services.GetRequiredService<OperatorAccess>().CheckAsync);

        app.MapGrpcService<EnrollmentService>().WithMetadata(new OnPlane(Plane.Enroll, Plane.Device));
        app.MapGrpcService<FleetService>().WithMetadata(new OnPlane(Plane.Device));
        app.MapGrpcService<ArtifactsService>().WithMetadata(new OnPlane(Plane.Device));

        app.MapOpenApi("/openapi/{documentName}.json").WithMetadata(new OnPlane(Plane.Operator));
        RouteGroupBuilder open = app.MapGroup("/api/v1").WithMetadata(new OnPlane(Plane.Operator));
        open.MapGet("/health", () => TypedResults.Ok(new HealthDocument("ok", database.Epoch, options.Tenant, ApiDescription.Version, SqliteLibrary.Ensure())))
            .WithName("getHealth").WithSummary("Whether the controller runs; needs no token.");
        RouteGroupBuilder api = app.MapGroup("/api/v1").WithMetadata(new OnPlane(Plane.Operator)).WithMetadata(new OperatorsOnly());
        FleetEndpoints.Map(api);
        DeviceEndpoints.Map(api);
        ArtifactEndpoints.Map(api);
        RolloutEndpoints.Map(api);
        RollbackEndpoints.Map(api);
        AdminEndpoints.Map(api);
        WebhookEndpoints.Map(api);
    }
}
