using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Reports.Charts;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

internal static class MemorySection
{
    public static XElement Of(PageContent content)
    {
        MemoryEvidence memory = content.Evidence.Memory;
        List<(string Model, ModelMemory Memory)> processes = [];
        if (memory.Baseline is not null)
        {
            processes.Add(("baseline", memory.Baseline));
        }
        if (memory.Candidate is not null)
        {
            processes.Add(("candidate", memory.Candidate));
        }
        return Section(
            "Memory",
            memory.State == ReadingState.Absent ? Paragraph(Absent(memory.Reason)) : null,
            processes.Count == 0 ? null : Table(content.Columns("each model in a process of its own"),
            [
                Row("peak, runtime included", process => process.Peak),
                Row("peak of the control group", process => process.ControlGroup),
                Row("memory of the accelerator", process => process.Accelerator),
            ]),
            processes.Any(process => process.Memory.Phases.Any(HasFigure)) ? MemoryChart.Of(content, processes) : null,
            processes.Select(process => Phases(content, process.Model, process.Memory)));

        IReadOnlyList<object?> Row(string name, Func<ModelMemory, Reading> of) => content.Row(
            name,
            Figures.Of(memory.Baseline is null ? null : of(memory.Baseline), memory.Reason ?? "not measured"),
            Figures.Of(memory.Candidate is null ? null : of(memory.Candidate), memory.Reason ?? "not measured"),
            memory is { Baseline: not null, Candidate: not null } ? of(memory.Candidate).Value / of(memory.Baseline).Value : null);
    }

    private static bool HasFigure(MemoryPhase phase) => phase.PeakBytes is not null || phase.AnonymousBytes is not null || phase.FileBytes is not null;

    private static XElement Phases(PageContent content, string model, ModelMemory memory) => memory.Phases.Count == 0
        ? Paragraph($"Phases of the {(content.IsPaired ? model : "model")}: ", Absent("none was recorded"))
        : Table([$"{(content.IsPaired ? model : "model")}, phase", "Peak", "Anonymous", "File", "Shared", "Swap", "Major faults"], memory.Phases.Select(IReadOnlyList<object?> (phase) =>
        [
            phase.Phase,
            phase.PeakBytes is { } peak ? Figures.Bytes(peak) : Absent("the kernel does not reset the mark"),
            Bytes(phase.AnonymousBytes), Bytes(phase.FileBytes), Bytes(phase.SharedBytes), Bytes(phase.SwapBytes),
            Figures.Number(phase.MajorFaults),
        ]));

    private static object Bytes(long? bytes) => bytes is { } value ? Figures.Bytes(value) : Absent("not told");
}
