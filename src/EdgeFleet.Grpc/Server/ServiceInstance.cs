using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>The service object of one call.</summary>
internal static class ServiceInstance
{
    /// <summary>
    /// A registered service belongs to the container; one that is not registered is made here, its parameters taken
    /// from the container, and disposed after the call.
    /// </summary>
    public static async Task UseAsync<TService>(IServiceProvider services, Func<TService, Task> use)
        where TService : class
    {
        if (typeof(TService) == typeof(object))
        {
            // A service definition brings its own object.
            await use(null!).ConfigureAwait(false);
            return;
        }

        if (services.GetService<TService>() is { } registered)
        {
            await use(registered).ConfigureAwait(false);
            return;
        }

        TService made = ActivatorUtilities.CreateInstance<TService>(services);
        try
        {
            await use(made).ConfigureAwait(false);
        }
        finally
        {
            switch (made)
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync().ConfigureAwait(false);
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
            }
        }
    }
}
