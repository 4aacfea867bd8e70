using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Testing.Files;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>Everything that may be wrong with an artifact or with its way here. The device serves on, and says what it was.</summary>
public sealed class BadArtifactTests : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly TestArtifacts _artifacts = new();
    private readonly FakeTrials _trials = new();
    private readonly FakeRunner _runner;
    private readonly DeviceRig _rig;
    private readonly Digest _baseline;

    public BadArtifactTests()
    {
        _runner = new FakeRunner(_disk, DeviceRig.Root);
        _rig = new DeviceRig(_disk, _artifacts, _runner, _trials);
        _baseline = _artifacts.Publish("fashion", "fp32");
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task One_that_is_signed_by_another_key_is_refused_before_anything_is_fetched()
    {
        using ReleaseKey stranger = ReleaseKey.Create();
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8", key: stranger));

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.BadSignature, stranger.KeyId[..12]);
        Assert.Equal(2, _artifacts.Fetches); // the baseline's two files
        Remembered(candidate, true);
    }

    [Fact]
    public async Task A_manifest_with_one_bit_flipped_is_refused_or_says_exactly_the_same()
    {
        Digest candidate = _artifacts.Publish("fashion", "int8");
        byte[] envelope = await _artifacts.GetManifestAsync(candidate, CancellationToken.None);
        int refused = 0, harmless = 0;
        for (int at = 0; at < envelope.Length; at++)
        {
            byte[] flipped = [.. envelope];
            flipped[at] ^= 1;
            try
            {
                // The unused bits at the end of a base64 text may flip and change no byte.
                VerifiedManifest taken = VerifiedManifest.Check(flipped, "fashion", candidate, TestArtifacts.Keys);
                Assert.Equal(candidate, Digest.Of(taken.Manifest.ToBytes()));
                harmless++;
            }
            catch (BadArtifactException)
            {
                refused++;
            }
        }
        Assert.Equal(envelope.Length, refused + harmless);
        Assert.InRange(harmless, 0, 4);
    }

    [Fact]
    public async Task A_manifest_of_another_artifact_is_refused()
    {
        Digest other = _artifacts.Publish("fashion", "other");
        byte[] envelope = await _artifacts.GetManifestAsync(other, CancellationToken.None);
        Digest candidate = _artifacts.Publish("fashion", "int8");
        _artifacts.ReplaceEnvelope(candidate, _ => envelope);
        await OfferAsync(candidate);

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.BadManifest, other.ToString());
    }

    [Fact]
    public async Task An_artifact_of_another_model_is_refused()
    {
        Digest sound = _artifacts.Publish("sound", "int8");
        await OfferAsync(sound);

        Ended(sound, DeploymentPhase.FailedUnchanged, FailureCodes.BadManifest, "'sound'");
    }

    [Fact]
    public async Task A_transfer_that_ends_early_goes_on_where_it_ended()
    {
        _artifacts.Tamper = (_, _, rest) => rest[..Math.Min(rest.Length, 1000)];
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"), DeploymentGoal.Staged, DeploymentPhase.Staged);

        // Two models of 3,000 bytes in pieces of 1,000, and the labels that they share once: no byte came twice.
        Assert.Equal((2 * 3000) + 11, _artifacts.BytesSent);
        Assert.True(_rig.State.Holds(candidate));
    }

    [Fact]
    public async Task A_file_that_is_always_cut_off_is_given_up_and_never_counts_as_a_bad_digest()
    {
        await InstallAsync();
        _artifacts.Tamper = (_, offset, rest) => offset > 0 ? [] : rest[..100];
        Digest candidate = _artifacts.Publish("fashion", "int8");
        await OfferAsync(candidate);

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.DownloadBroken, "100 of 3000 bytes");
        Remembered(candidate, false);

        _artifacts.Tamper = null;
        _rig.Want(Wanted.Staged(candidate, DeploymentGoal.Active, "r5"));
        await _rig.UntilAsync(rig => rig.Record() is { RolloutId: "r5", Ended: true });
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Fact]
    public async Task A_file_with_one_bit_flipped_never_gets_its_final_name()
    {
        await InstallAsync();
        Digest candidate = _artifacts.Publish("fashion", "int8");
        _artifacts.Tamper = (_, offset, rest) =>
        {
            rest = [.. rest];
            rest[rest.Length / 2] ^= 4;
            return rest;
        };
        await OfferAsync(candidate);

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.DownloadBroken, "digest mismatch, expected");
        Remembered(candidate, false);
        Assert.False(_rig.State.Holds(candidate));
        Assert.Equal(2, _disk.List(_rig.State.Content).Count); // the baseline's
    }

    [Fact]
    public async Task A_source_that_sends_more_than_was_signed_is_cut_off()
    {
        await InstallAsync();
        Digest candidate = _artifacts.Publish("fashion", "int8");
        long before = _artifacts.BytesSent;
        _artifacts.Tamper = (_, _, rest) => [.. rest, .. new byte[1 << 20]];
        await OfferAsync(candidate);

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.DownloadBroken, "more than the 3000 bytes that were signed");
        int attempts = _rig.Engine.Workers.Single().Record!.Detail.Contains("tried 21 times", StringComparison.Ordinal) ? 21 : -1;
        Assert.InRange(_artifacts.BytesSent - before, 1, attempts * (3000 + 2048));
        Assert.Equal(0, _disk.Length(_rig.State.PartialBlob(ModelDigest(candidate))) ?? 0);
    }

    [Fact]
    public async Task A_model_that_the_scanner_rejects_is_refused_before_a_runtime_sees_it()
    {
        await InstallAsync();
        int loads = 0;
        _trials.Load = job =>
        {
            loads++;
            // A busy device finds out as well whether a model loads.
            Assert.Equal((0, 1, null), (job.Looks.Count, job.ColdStarts, job.GateWaitSeconds));
            return new TrialResult.Passed();
        };
        _rig.Scan = (_, _) => new ScanResult.Rejected(ScanRejection.ExternalData, "tensor 'w': location '../secret' is not a plain file name");
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"));

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.BadModel, "../secret");
        Remembered(candidate, true);
        Assert.Equal(0, loads);
    }

    [Fact]
    public async Task A_manifest_that_lies_about_the_models_contract_is_refused()
    {
        await InstallAsync();
        _rig.Scan = (_, _) => DeviceRig.Accepted(new ModelContract([new TensorSpec("x", "FP32", [1, 5])], TestArtifacts.Contract.Outputs));
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"));

        Ended(candidate, DeploymentPhase.FailedUnchanged, FailureCodes.BadModel, "x:FP32[1,4] against x:FP32[1,5]");
    }

    [Fact]
    public async Task Another_contract_is_refused_unless_the_manifest_names_the_application_versions()
    {
        await InstallAsync();
        ModelContract other = new(TestArtifacts.Contract.Inputs, [new TensorSpec("logits", "FP32", [1, 4])]);
        Digest refused = await OfferAsync(_artifacts.Publish("fashion", "int8", manifest => manifest with { Contract = other }));
        Ended(refused, DeploymentPhase.Refused, FailureCodes.OtherContract, "y:FP32[1,4] against logits:FP32[1,4]");

        Digest named = _artifacts.Publish("fashion", "int8", manifest => manifest with { Contract = other, ApplicationVersions = ["2.0"] });
        _rig.Want(Wanted.Staged(named, DeploymentGoal.Active, "r5"));
        await _rig.UntilEndAsync(named);
        Assert.Equal(DeploymentPhase.Committed, _rig.Record()!.Phase);
    }

    [Theory]
    [InlineData(FailureCodes.DoesNotLoad, false), InlineData(FailureCodes.Crashed, true), InlineData(FailureCodes.OutOfMemory, true)]
    public async Task A_model_that_takes_its_worker_down_fails_alone(string code, bool invariant)
    {
        await InstallAsync();
        _trials.Load = _ => new TrialResult.ModelFailed(code, "signal 11", invariant);
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"));

        Ended(candidate, DeploymentPhase.FailedUnchanged, code, "signal 11");
        Assert.Equal(invariant, _rig.Record()!.Invariant);
        Remembered(candidate, true);
        Assert.False(_rig.State.Holds(candidate));
    }

    [Theory]
    [InlineData(FailureCodes.Crashed), InlineData(FailureCodes.OutOfMemory)]
    public async Task A_candidate_that_breaks_in_the_benchmark_or_the_shadow_breaks_an_invariant(string code)
    {
        await InstallAsync();
        _trials.Bench = _ => new TrialResult.ModelFailed(code, "in the benchmark", Invariant: true);
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"));
        Ended(candidate, DeploymentPhase.FailedUnchanged, code, "in the benchmark");
        Assert.True(_rig.Record()!.Invariant);
    }

    [Theory]
    [InlineData(FailureCodes.NonFinite), InlineData(FailureCodes.WrongShape), InlineData(FailureCodes.InferenceFailed), InlineData(FailureCodes.Crashed)]
    public async Task A_tick_with_a_broken_invariant_stops_the_shadow_at_once(string code)
    {
        await InstallAsync();
        _trials.Ticks = 1000;
        _trials.Tick = tick => tick.Tick != 2 ? tick : code switch
        {
            FailureCodes.NonFinite => tick with { CandidateNonFinite = 1 },
            FailureCodes.WrongShape => tick with { CandidateWrongShape = 1 },
            FailureCodes.InferenceFailed => tick with { CandidateFailures = 1 },
            _ => tick with { Crashed = true },
        };
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8"), DeploymentGoal.Shadowing, DeploymentPhase.FailedUnchanged);

        Ended(candidate, DeploymentPhase.FailedUnchanged, code, "tick 2");
        Assert.True(_rig.Record()!.Invariant);
        Assert.Equal(3, _rig.ShadowReports.Count);
    }

    [Fact]
    public async Task An_artifact_for_other_hardware_is_refused_with_both_names()
    {
        await InstallAsync();
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8", manifest => manifest with { HardwareClasses = ["jetson-8g"] }));

        Ended(candidate, DeploymentPhase.Refused, FailureCodes.OtherHardware, "jetson-8g");
        Assert.Contains(DeviceRig.Hardware.ClassId, _rig.Record()!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_fit_the_disk_is_refused_before_it_is_fetched()
    {
        await InstallAsync();
        int fetches = _artifacts.Fetches;
        _disk.CapacityBytes = 1_100_000 + DeviceRig.Patient.ReserveBytes;
        Digest candidate = await OfferAsync(_artifacts.Publish("fashion", "int8", modelBytes: new byte[2_000_000]));

        Ended(candidate, DeploymentPhase.Refused, FailureCodes.DiskFull, "bytes are needed");
        Assert.Equal(fetches, _artifacts.Fetches);
    }

    private Digest ModelDigest(Digest artifact) =>
        VerifiedManifest.Check(_artifacts.GetManifestAsync(artifact, CancellationToken.None).Result, "fashion", artifact, TestArtifacts.Keys)
            .Manifest.Files[0].Sha256;

    private async Task InstallAsync()
    {
        if (_rig.Record() is null)
        {
            _rig.Want(Wanted.Install(_baseline));
            await _rig.UntilEndAsync(_baseline);
        }
    }

    /// <summary>On a device that serves the baseline.</summary>
    private async Task<Digest> OfferAsync(Digest candidate, DeploymentGoal goal = DeploymentGoal.Active, DeploymentPhase? until = null)
    {
        await InstallAsync();
        _rig.Want(Wanted.Staged(candidate, goal));
        if (until is { } phase)
        {
            await _rig.UntilAsync(rig => rig.Record() is { } record && record.Digest == candidate && record.Phase == phase);
        }
        else
        {
            await _rig.UntilEndAsync(candidate);
        }
        return candidate;
    }

    private void Ended(Digest candidate, DeploymentPhase phase, string code, string says)
    {
        Assert.Equal((candidate, phase, code), (_rig.Record()!.Digest, _rig.Record()!.Phase, _rig.Record()!.Code));
        Assert.Contains(says, _rig.Record()!.Detail, StringComparison.Ordinal);
        Assert.Equal(_baseline, _runner.Serving("fashion"));
        Assert.Equal([_baseline], _runner.History.Distinct());
        EdgeFleet.Protocol.V1.DeploymentReport last = _rig.Reports[^1];
        Assert.Equal((candidate.ToString(), code), (last.Digest, last.Code));
    }

    private void Remembered(Digest digest, bool failed) => Assert.Equal(failed, _rig.Files.LoadMemory("fashion").Failed.ContainsKey(digest));
}
