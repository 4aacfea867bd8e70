using EdgeFleet.Controller.Ingest;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Controller.Tests.Ingest;

public sealed class SequenceLedgerTests
{
    [Fact]
    public void Whatever_arrives_in_whatever_order_the_ledger_agrees_with_a_set()
    {
        Gen<(int First, int Last)> range = Gen.Choose(1, 40).SelectMany(first => Gen.Choose(first, Math.Min(40, first + 3)).Select(last => (first, last)));
        Prop.ForAll(range.ListOf().ToArbitrary(), ranges =>
        {
            SequenceLedger ledger = new();
            HashSet<long> seen = [];
            foreach ((int first, int last) in ranges)
            {
                bool isNew = false;
                for (long seq = first; seq <= last; seq++)
                {
                    isNew |= seen.Add(seq);
                }
                SequenceOutcome outcome = ledger.Take(first, last);
                // Also after a restart: only what is stored counts.
                ledger = new SequenceLedger(ledger.Contiguous, ledger.Ahead);
                if (outcome != (isNew ? SequenceOutcome.New : SequenceOutcome.Duplicate) || ledger.Contiguous != Contiguous(seen))
                {
                    return false;
                }
            }
            return seen.All(seq => ledger.Take(seq) == SequenceOutcome.Duplicate);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Fact]
    public void Neighbours_become_one_range()
    {
        SequenceLedger ledger = new();
        foreach (long seq in (long[])[3, 5, 4, 8, 6, 7])
        {
            Assert.Equal(SequenceOutcome.New, ledger.Take(seq));
        }

        Assert.Equal("3-8", ledger.Ahead);
        Assert.Equal(0, ledger.Contiguous);
        ledger.Take(1, 2);
        Assert.Equal((8, ""), (ledger.Contiguous, ledger.Ahead));
    }

    [Fact]
    public void A_device_that_loses_every_second_report_cannot_make_the_row_grow_without_end()
    {
        SequenceLedger ledger = new();
        int taken = Enumerable.Range(1, 2 * SequenceLedger.MaximumRanges).Count(i => ledger.Take((2 * i) + 1) == SequenceOutcome.New);

        Assert.Equal(SequenceLedger.MaximumRanges, taken);
        Assert.Equal(SequenceOutcome.TooScattered, ledger.Take(99_999));
        // Filling the first hole makes room again.
        Assert.Equal(SequenceOutcome.New, ledger.Take(1, 2));
        Assert.Equal(SequenceOutcome.New, ledger.Take(99_999));
    }

    private static long Contiguous(HashSet<long> seen)
    {
        long contiguous = 0;
        while (seen.Contains(contiguous + 1))
        {
            contiguous++;
        }
        return contiguous;
    }
}
