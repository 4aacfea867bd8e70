using System.Diagnostics;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Inference;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving;

/// <summary>Reads the message at hand against a contract into <see cref="Exchange.Infer"/>.</summary>
internal delegate void RequestReader(Exchange context, ContractNames names, int maximumBatch);

/// <summary>One inference request from its place in the queue to its answer, whichever protocol brought it.</summary>
internal sealed partial class ModelTurn(ServeOptions options, ILogger<ModelTurn> logger)
{
    /// <param name="context">The request; its message has been received.</param>
    /// <param name="model">The model that is asked.</param>
    /// <param name="version">Where the request names one.</param>
    /// <param name="read">Reads the message.</param>
    /// <param name="response">Takes the outputs.</param>
    /// <exception cref="RequestException">The request is refused.</exception>
    /// <exception cref="InferenceException">The model failed on a request that fits its contract.</exception>
    public async ValueTask TakeAsync(Exchange context, ServedModel model, string? version, RequestReader read, IInferResponse response)
    {
        long start = Stopwatch.GetTimestamp();
        if (!model.TryTakePlace())
        {
            await model.WaitForPlaceAsync(context.Aborted);
        }
        try
        {
            if (version is not null)
            {
                // Asked again once its turn has come: the version may have been replaced while it waited.
                model.RequireVersion(version);
            }
            Execute(context, model, version is null, start, read, response);
        }
        finally
        {
            model.GivePlaceBack();
        }
    }

    /// <summary>A request that names a version asked for what is active, and gets it.</summary>
    private void Execute(Exchange context, ServedModel model, bool anyVersion, long start, RequestReader read, IInferResponse response)
    {
        RequestShare? share = anyVersion && model.Share is { Ended: false } open ? open : null;
        if (share is null || !share.Draw() || !share.Candidate.TryEnter())
        {
            AskBaseline(context, model, start, read, response, share?.Baseline);
            return;
        }
        ShareEnd? fault;
        try
        {
            fault = AskCandidate(context, model, share.Candidate, start, read, response);
        }
        catch (Exception ex) when (ex is InferenceException or RequestException)
        {
            // Who is to blame, the request or the candidate, is for the baseline to say.
            AskBaselineInstead(context, model, start, read, response, share);
            share.Candidate.Counters.AddFailure();
            End(model, share, new ShareEnd(ShareCodes.InferenceFailed, $"it failed on a request that the baseline answered: {ex.Message}"));
            return;
        }
        finally
        {
            share.Candidate.Leave();
        }
        if (fault is not null)
        {
            End(model, share, fault);
            AskBaseline(context, model, start, read, response, arm: null);
        }
    }

    /// <returns>What is wrong with the answer; it must not go out then.</returns>
    private ShareEnd? AskCandidate(Exchange context, ServedModel model, ActiveSession candidate, long start, RequestReader read, IInferResponse response)
    {
        read(context, candidate.Names, options.MaximumBatch);
        AnswerFault fault = candidate.Execute(context.Infer, context.Message, response, model.Tap.IsOpen(start) ? model.Tap : null);
        candidate.Counters.AddRequest(Stopwatch.GetTimestamp() - start);
        return fault switch
        {
            AnswerFault.NonFinite => new ShareEnd(ShareCodes.NonFinite, "an answer of the candidate was not finite; the baseline gave another"),
            AnswerFault.WrongShape => new ShareEnd(ShareCodes.WrongShape, "an answer of the candidate had the wrong shape; the baseline gave another"),
            _ => null,
        };
    }

    private void AskBaselineInstead(Exchange context, ServedModel model, long start, RequestReader read, IInferResponse response, RequestShare share)
    {
        try
        {
            AskBaseline(context, model, start, read, response, arm: null);
        }
        catch (Exception ex) when (ex is InferenceException or RequestException)
        {
            share.Candidate.Counters.AddRejected();
            throw;
        }
    }

    private void End(ServedModel model, RequestShare share, ShareEnd end)
    {
        if (share.End(end))
        {
            LogShareEnded(model.Name, share.Candidate.Version, end.Reason);
        }
    }

    /// <param name="arm">Counts it beside the session's own counters; null where no share goes on.</param>
    private void AskBaseline(Exchange context, ServedModel model, long start, RequestReader read, IInferResponse response, SessionCounters? arm)
    {
        ActiveSession session = model.Enter();
        try
        {
            read(context, session.Names, options.MaximumBatch);
            session.Execute(context.Infer, context.Message, response, model.Tap.IsOpen(start) ? model.Tap : null);
            long ticks = Stopwatch.GetTimestamp() - start;
            session.Counters.AddRequest(ticks);
            arm?.AddRequest(ticks);
        }
        catch (RequestException)
        {
            arm?.AddRejected();
            throw;
        }
        catch (InferenceException ex) when (session.AnswersAnInputOfOurs())
        {
            session.Counters.AddRejected();
            arm?.AddRejected();
            throw RequestException.BadRequest($"model '{model.Name}' does not take these values: {ex.Reason}");
        }
        catch (InferenceException)
        {
            session.Counters.AddFailure();
            arm?.AddFailure();
            throw;
        }
        finally
        {
            session.Leave();
        }
    }

    [LoggerMessage(EventId = 2121, Level = LogLevel.Warning, Message = "Model {Model}: the candidate {Digest} answers no requests any more: {Reason}; what is active answers them all")]
    private partial void LogShareEnded(string model, string digest, string reason);
}
