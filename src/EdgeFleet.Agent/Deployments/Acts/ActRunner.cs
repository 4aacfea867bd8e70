using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>Carries out one act of a deployment, and says of each failure of the world whose fault it is.</summary>
internal sealed class ActRunner(DeploymentServices services, DeploymentEngine engine, ILogger log)
{
    private readonly Preparation _preparation = new(services);
    private readonly Trial _trial = new(services, log);
    private readonly Activation _activation = new(services);
    private readonly Probation _probation = new(services);

    /// <param name="update">Takes a changed record; saved first where its second argument says so.</param>
    public async Task<ActResult> RunAsync(
        DeploymentAct act, DeploymentRecord record, Func<DeploymentRecord, bool, DeploymentRecord> update, CancellationToken cancellationToken)
    {
        try
        {
            using IDisposable? inUse = act <= DeploymentAct.Stage ? engine.UseContent() : null;
            return await (act switch
            {
                DeploymentAct.Admit => _preparation.AdmitAsync(record, cancellationToken),
                DeploymentAct.Fetch => _preparation.FetchAsync(record, cancellationToken),
                DeploymentAct.Verify => _preparation.VerifyAsync(record, cancellationToken),
                DeploymentAct.Stage => _preparation.StageAsync(record, cancellationToken),
                DeploymentAct.Bench => _trial.BenchAsync(record, cancellationToken),
                DeploymentAct.Shadow => _trial.ShadowAsync(record, changed => update(changed, true), cancellationToken),
                DeploymentAct.Activate => _activation.ActivateAsync(record, cancellationToken),
                DeploymentAct.Watch => _probation.WatchAsync(record, update, cancellationToken),
                DeploymentAct.Restore => _activation.RestoreAsync(record, cancellationToken),
                _ => throw new System.Diagnostics.UnreachableException($"act {act}"),
            }).ConfigureAwait(false);
        }
        catch (BadArtifactException ex)
        {
            return ActResult.BadDigest(ex.Code, ex.Message);
        }
        catch (ArtifactUnavailableException ex)
        {
            return ActResult.Retry(FailureCodes.NotAvailable, ex.Message, counted: !ex.LinkIsAway);
        }
        catch (BrokenDownloadException ex)
        {
            return ActResult.Retry(FailureCodes.DownloadBroken, ex.Message);
        }
        catch (BadContentException ex)
        {
            return ActResult.Retry(FailureCodes.BadContent, ex.Message);
        }
        catch (IOException ex) when (DiskReserve.IsFull(ex))
        {
            engine.CollectGarbage();
            return ActResult.Retry(FailureCodes.DiskFull, ex.Message);
        }
        catch (IOException ex)
        {
            return ActResult.Retry(FailureCodes.WorkerFailed, ex.Message);
        }
    }
}
