using System.Diagnostics;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving;

/// <summary>Reads the message at hand against a contract into <see cref="Exchange.Infer"/>.</summary>
internal delegate void RequestReader(Exchange context, ContractNames names, int maximumBatch);

/// <summary>One inference request from its place in the queue to its answer, whichever protocol brought it.</summary>
internal sealed class ModelTurn(ServeOptions options)
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
            Execute(context, model, start, read, response);
        }
        finally
        {
            model.GivePlaceBack();
        }
    }

    private void Execute(Exchange context, ServedModel model, long start, RequestReader read, IInferResponse response)
    {
        ActiveSession session = model.Enter();
        try
        {
            read(context, session.Names, options.MaximumBatch);
            session.Execute(context.Infer, context.Message, response, model.Tap.IsOpen(start) ? model.Tap : null);
            session.Counters.AddRequest(Stopwatch.GetTimestamp() - start);
        }
        catch (InferenceException ex) when (session.AnswersAnInputOfOurs())
        {
            session.Counters.AddRejected();
            throw RequestException.BadRequest($"model '{model.Name}' does not take these values: {ex.Reason}");
        }
        catch (InferenceException)
        {
            session.Counters.AddFailure();
            throw;
        }
        finally
        {
            session.Leave();
        }
    }
}
