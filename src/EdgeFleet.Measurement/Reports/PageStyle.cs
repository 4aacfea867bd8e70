namespace EdgeFleet.Measurement.Reports;

/// <summary>
/// How a page looks, in light, in dark and on paper. No child selectors: the text stands in XML, where their sign would be encoded.
/// Blue and orange are told apart by people who do not see red and green apart, and their lines differ in form too.
/// </summary>
internal static class PageStyle
{
    public const string Css = """

        :root { color-scheme: light dark; --page: #fff; --ink: #1d2430; --soft: #5d6778; --line: #d9dee6; --panel: #f5f7fa;
          --baseline: #2f6db5; --candidate: #c2570c; --pass: #1c7a3e; --fail: #b3261e; --inconclusive: #8a6100; --warn: #fff6dd; }
        @media (prefers-color-scheme: dark) { :root { --page: #14181f; --ink: #e6e9ee; --soft: #9aa5b5; --line: #343c49; --panel: #1d232c;
          --baseline: #76aeea; --candidate: #f0955a; --pass: #62c98a; --fail: #ff8a80; --inconclusive: #e8bd55; --warn: #3a3117; } }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
        h1 { font-size: 1.35rem; line-height: 1.35; margin: 0.5rem 0; overflow-wrap: anywhere; }
        h2 { font-size: 1.1rem; margin: 2.5rem 0 0.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
        p, ul { margin: 0.5rem 0; max-width: 48rem; overflow-wrap: anywhere; }
        .note, figcaption, .absent { color: var(--soft); font-size: 0.9rem; }
        .absent { font-style: italic; overflow-wrap: anywhere; }
        .badge { display: inline-block; padding: 0.15rem 0.7rem; border: 2px solid currentColor; border-radius: 1rem; font-weight: 700; text-transform: uppercase; letter-spacing: 0.05em; }
        .pass { color: var(--pass); } .fail { color: var(--fail); } .inconclusive { color: var(--inconclusive); }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
        .card { background: var(--panel); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem 1rem; overflow-wrap: anywhere; }
        .card .name { color: var(--soft); font-size: 0.85rem; } .card .figure { font-size: 1.25rem; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; }
        .card .absent { display: block; margin-top: 0.25rem; }
        .warnings { background: var(--warn); border: 1px solid var(--inconclusive); border-radius: 0.5rem; padding: 0.5rem 1rem; }
        .warnings li { margin: 0.2rem 0; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; margin: 0.75rem 0; font-variant-numeric: tabular-nums; font-size: 0.92rem; }
        th, td { text-align: right; padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        th:first-child { text-align: left; } tbody th { font-weight: 400; color: var(--soft); white-space: nowrap; } thead th { font-weight: 600; }
        td { white-space: nowrap; } td .below { display: block; font-size: 0.82rem; }
        td .absent { display: inline-block; min-width: 8rem; max-width: 16rem; text-align: left; white-space: normal; }
        .facts th, .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
        figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
        svg text { font: 12px system-ui, sans-serif; fill: var(--soft); paint-order: stroke; stroke: var(--page); stroke-width: 3px; } svg .strong { fill: var(--ink); }
        .grid { stroke: var(--line); stroke-width: 1; } .frame { stroke: var(--soft); stroke-width: 1; fill: none; }
        .baseline-line { stroke: var(--baseline); fill: none; stroke-width: 2; } .candidate-line { stroke: var(--candidate); fill: none; stroke-width: 2; stroke-dasharray: 7 3; }
        .baseline-fill { fill: var(--baseline); } .candidate-fill { fill: var(--candidate); } .faint { fill-opacity: 0.22; }
        .ink-line { stroke: var(--ink); fill: none; stroke-width: 1.5; } .soft-line { stroke: var(--soft); fill: none; stroke-width: 1; stroke-dasharray: 4 4; }
        .margin-line { stroke: var(--fail); fill: none; stroke-width: 1.5; stroke-dasharray: 8 4; } .band { fill: var(--candidate); fill-opacity: 0.18; }
        .dot { fill: var(--candidate); } .void { fill: none; stroke: var(--soft); stroke-width: 1.5; }
        .key { display: inline-block; width: 1.6em; height: 0; border-top: 3px solid var(--baseline); vertical-align: middle; margin: 0 0.4em 0 1em; }
        .key.candidate-key { border-top: 3px dashed var(--candidate); }
        @media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff;
          --baseline: #2f6db5; --candidate: #c2570c; --pass: #1c7a3e; --fail: #b3261e; --inconclusive: #8a6100; --warn: #fff; }
          html { font-size: 12px; } body { font-size: 1rem; } main { max-width: none; padding: 0; } figure, tr, .card { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; } }

        """;
}
