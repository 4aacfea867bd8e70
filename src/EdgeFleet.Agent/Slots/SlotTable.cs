using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Linux.Files;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Slots;

/// <summary>
/// <c>models/&lt;model&gt;/slots.json</c> and the link <c>current</c>. The file decides; the link is set after it, and again at
/// each repeat, so that a cut between the two heals.
/// </summary>
internal sealed partial class SlotTable(StateFolder state, TimeProvider time, ILogger<SlotTable> log)
{
    private readonly Dictionary<string, ModelSlots?> _known = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public IReadOnlyList<string> Models => state.Files.List(state.Models);

    public ModelSlots? Read(string model)
    {
        lock (_gate)
        {
            if (!_known.TryGetValue(model, out ModelSlots? slots))
            {
                _known[model] = slots = ReadFile(model);
            }
            return slots;
        }
    }

    /// <summary>Writes the slots of a model; returns when they are on disk.</summary>
    public ModelSlots Write(string model, Digest active, Digest? previous, Digest? golden)
    {
        ModelSlots? before = Read(model);
        if (before is null || before.Active != active || before.Previous != previous || before.Golden != golden)
        {
            ModelSlots slots = new()
            {
                Model = model,
                Generation = (before?.Generation ?? 0) + 1,
                Active = active,
                Previous = previous,
                Golden = golden,
                ChangedAt = time.GetUtcNow(),
            };
            DurableDirectory.Create(state.Files, state.Model(model));
            StateFile.Write(state.Files, state.Slots(model), slots, SlotsJsonContext.Default.ModelSlots);
            Know(model, slots);
            before = slots;
            LogSwitched(model, active, previous?.ToString() ?? "none");
        }
        SetLink(model, active);
        return before;
    }

    /// <summary>Makes a device unprovisioned again: there was no model before the one that is taken away.</summary>
    public void Clear(string model)
    {
        DurableFile.Delete(state.Files, state.Slots(model));
        DurableFile.Delete(state.Files, state.Current(model));
        Know(model, null);
        LogCleared(model);
    }

    private void Know(string model, ModelSlots? slots)
    {
        lock (_gate)
        {
            _known[model] = slots;
        }
    }

    private void SetLink(string model, Digest active)
    {
        string target = Path.Join("..", "..", "artifacts", active.Hex, "files");
        if (state.Files.ReadLink(state.Current(model)) != target)
        {
            DurableFile.Link(state.Files, state.Current(model), target);
        }
    }

    private ModelSlots? ReadFile(string model) => StateFile.Read(
        state.Files, state.Slots(model), SlotsJsonContext.Default.ModelSlots, slots => slots.SchemaVersion, ModelSlots.CurrentSchemaVersion, LogQuarantined);

    [LoggerMessage(EventId = 3101, Level = LogLevel.Information, Message = "Model {Model}: the slots name {Active} now, previous is {Previous}")]
    private partial void LogSwitched(string model, Digest active, string previous);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Warning, Message = "Model {Model}: the slots are cleared; the device is unprovisioned for it as it was before")]
    private partial void LogCleared(string model);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Error, Message = "{Path} was damaged ({Reason}) and is put aside as .bad; the slots are made anew from the deployment's record")]
    private partial void LogQuarantined(string path, string reason);
}
