using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters.Hwmon;

namespace EdgeFleet.Measurement.Meters.Jetson;

/// <summary>Finds the board's rule and the rails that it names.</summary>
internal static class JetsonRails
{
    private const string Ina3221 = "ina3221", Ina238 = "ina238";

    /// <summary>The table's board by the device tree, or by its rails; null for one that it does not have.</summary>
    public static JetsonBoard? Board(ISystemFiles files, IReadOnlyList<RailPlace> rails)
    {
        string compatible = (files.Read("/proc/device-tree/compatible").Text ?? files.Read("/sys/firmware/devicetree/base/compatible").Text ?? "").ToLowerInvariant();
        if (JetsonBoard.All.FirstOrDefault(board => board.Modules.Any(module => compatible.Contains(module, StringComparison.Ordinal))) is { } known)
        {
            return known;
        }
        string model = (files.Read("/proc/device-tree/model").Text ?? files.Read("/sys/firmware/devicetree/base/model").Text ?? "").ToLowerInvariant();
        if (compatible.Length == 0 && JetsonBoard.All.FirstOrDefault(board => board.Models.Any(name => model.Contains(name, StringComparison.Ordinal))) is { } named)
        {
            return named;
        }
        JetsonBoard[] byRails = [.. JetsonBoard.All.Where(board => board.ByRails && board.Total.All(label => rails.Any(rail => Is(rail, label))))];
        return byRails.Length == 1 && !rails.Any(rail => JetsonBoard.InputLabels.Any(label => Is(rail, label))) ? byRails[0] : null;
    }

    public static bool IsTegra(ISystemFiles files) =>
        (files.Read("/proc/device-tree/compatible").Text ?? files.Read("/sys/firmware/devicetree/base/compatible").Text ?? "").Contains("nvidia,tegra", StringComparison.OrdinalIgnoreCase);

    public static IReadOnlyList<RailPlace> Rails(ISystemFiles files, IReadOnlyList<SensorChip> chips) =>
        [.. chips.Where(IsIna3221).SelectMany(chip => RailPlace.OfIna3221(files, chip))];

    public static bool IsIna3221(SensorChip chip) => chip.Name.StartsWith(Ina3221, StringComparison.Ordinal);

    public static RailPlan Plan(ISystemFiles files)
    {
        IReadOnlyList<SensorChip> chips = SensorChips.Find(files);
        IReadOnlyList<RailPlace> rails = Rails(files, chips);
        JetsonBoard? board = Board(files, rails);
        if (board is { TotalIsIna238: true })
        {
            SensorChip[] inputs = [.. chips.Where(chip => chip.Name.StartsWith(Ina238, StringComparison.Ordinal))];
            return inputs.Length == 1
                ? new RailPlan(null, [RailPlace.OfIna2xx(files, inputs[0]) with { Name = board.Total[0] }], rails)
                : RailPlan.None($"{board.Name}: its input is measured by one INA238, found {inputs.Length}{Found(rails)}");
        }
        if (rails.Count == 0)
        {
            return RailPlan.None("no INA3221 with a rail, neither as hwmon nor as iio device");
        }
        return board is null ? OfInput(rails) : OfBoard(board, rails);
    }

    private static RailPlan OfBoard(JetsonBoard board, IReadOnlyList<RailPlace> rails)
    {
        List<RailPlace> total = [];
        foreach (string label in board.Total)
        {
            RailPlace[] found = [.. rails.Where(rail => Is(rail, label))];
            if (found.Length > 1)
            {
                // A carrier may label its own chip like the module's: the table knows where the module's is.
                found = board.Addresses.Select(end => found.Where(rail => rail.Chip.Address?.EndsWith(end, StringComparison.OrdinalIgnoreCase) == true).ToArray())
                    .FirstOrDefault(at => at.Length > 0) ?? found;
            }
            if (found.Length != 1)
            {
                string what = found.Length == 0 ? $"no rail '{label}'" : $"'{label}' at {string.Join(" and ", found.Select(rail => rail.Chip.Place))}";
                return RailPlan.None($"{board.Name}: the total is {string.Join(" + ", board.Total)}, but there is {what}{Found(rails)}");
            }
            total.Add(found[0]);
        }
        return new RailPlan(null, total, [.. rails.Except(total)]);
    }

    /// <summary>An unknown board: one rail that is labelled as its input is its total; several rails are never guessed to be.</summary>
    private static RailPlan OfInput(IReadOnlyList<RailPlace> rails)
    {
        RailPlace[] inputs = [.. rails.Where(rail => JetsonBoard.InputLabels.Any(label => Is(rail, label)))];
        return inputs.Length == 1
            ? new RailPlan(null, inputs, [.. rails.Where(rail => rail != inputs[0])])
            : RailPlan.None($"a board without a rule for its total, and {(inputs.Length == 0 ? "no rail" : "more than one rail")} labelled {string.Join(" or ", JetsonBoard.InputLabels)}{Found(rails)}");
    }

    private static string Found(IReadOnlyList<RailPlace> rails) =>
        rails.Count == 0 ? "" : $"; rails found: {string.Join(", ", rails.Select(rail => $"{rail.Name} ({rail.Chip.Address ?? rail.Chip.Folder})"))}";

    private static bool Is(RailPlace rail, string label) => string.Equals(rail.Name, label, StringComparison.OrdinalIgnoreCase);
}
