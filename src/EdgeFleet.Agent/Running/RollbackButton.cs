using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.Gpio;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// A physical button with which someone at the device takes back what was activated there last, as
/// <c>edgefleet-agent rollback</c> does for a named model. It has to be held, so that neither a spike on the wire nor a
/// brush of a sleeve changes what a device serves.
/// </summary>
internal sealed partial class RollbackButton(StateFolder state, IGpioKernel gpio, GpioAddress address, TimeProvider time, ILogger<RollbackButton> log)
{
    public static readonly TimeSpan Held = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(20);
    /// <summary>A chip on a bus may come some time after the agent.</summary>
    public static readonly TimeSpan Retry = TimeSpan.FromMinutes(1);

    /// <summary>Until cancelled. A line that cannot be had is said and tried again: the button is not what the device is for.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        string? said = null;
        while (true)
        {
            try
            {
                // A thread of its own: it sleeps in the kernel until the line falls.
                await Task.Factory.StartNew(() => Watch(cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            }
            catch (IOException ex)
            {
                if (said != ex.Message)
                {
                    said = ex.Message;
                    LogNoButton(ex.Message, Retry);
                }
                await Task.Delay(Retry, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private void Watch(CancellationToken cancellationToken)
    {
        using GpioButton button = new(gpio, address, Debounce, "edgefleet rollback");
        LogWatching(address, Held);
        while (true)
        {
            button.WaitForPress(Held, cancellationToken);
            try
            {
                AskForRollback();
            }
            catch (IOException ex)
            {
                LogNotAsked(ex.Message);
            }
        }
    }

    private void AskForRollback()
    {
        // Read anew: these tables keep what they have read, and the engine writes through one of its own.
        SlotTable slots = new(new StateFolder(state.Root, new ReadOnlyFileStore(state.Files)), time, NullLogger<SlotTable>.Instance);
        List<ModelSlots> revocable = [.. slots.Models.Select(slots.Read).OfType<ModelSlots>().Where(model => Target(model) is not null)];
        if (revocable.MaxBy(model => model.ChangedAt) is not { } last)
        {
            LogNothingToTakeBack();
            return;
        }
        new RollbackRequest { Model = last.Model, Target = Target(last)!.Value, Reason = $"asked for by the button at the device ({address})" }.Leave(state);
        LogAsked(last.Model, last.Active, Target(last)!.Value);
    }

    private Core.Digest? Target(ModelSlots model) =>
        (model.Previous ?? model.Golden) is { } digest && digest != model.Active && state.Holds(digest) ? digest : null;

    [LoggerMessage(EventId = 3611, Level = LogLevel.Information, Message = "Line {Line}: held low for {Held} it takes back what was activated last")]
    private partial void LogWatching(GpioAddress line, TimeSpan held);

    [LoggerMessage(EventId = 3612, Level = LogLevel.Error, Message = "The rollback button does not work: {Reason}. It is tried again in {Interval}")]
    private partial void LogNoButton(string reason, TimeSpan interval);

    [LoggerMessage(EventId = 3613, Level = LogLevel.Warning, Message = "The button at the device was held: model {Model} goes from {Active} back to {Target}")]
    private partial void LogAsked(string model, Core.Digest active, Core.Digest target);

    [LoggerMessage(EventId = 3614, Level = LogLevel.Warning, Message = "The button at the device was held, and there is nothing to take back: no model has another artifact here")]
    private partial void LogNothingToTakeBack();

    [LoggerMessage(EventId = 3615, Level = LogLevel.Error, Message = "The button at the device was held, and the rollback could not be asked for: {Reason}")]
    private partial void LogNotAsked(string reason);
}
