namespace EdgeFleet.Benchmarks;

/// <summary>All measurements, in the order in which they run.</summary>
internal static class Registry
{
    public static IReadOnlyList<Measurement> Benchmarks { get; } =
    [
        new("grpc", "what a gRPC stream leaves of an HTTP/2 download", Grpc.GrpcStreamBenchmark.RunAsync),
        new("mqtt", "publishes through mosquitto against libmosquitto's, and what an idle session costs", Mqtt.PublishBenchmark.RunAsync),
        new("enrolment", "enrolments per second", ControlPlane.EnrollmentBenchmark.RunAsync),
        new("ingest", "reports taken in per second", ControlPlane.IngestBenchmark.RunAsync),
        new("ticks", "shadow ticks of a running rollout taken in and merged per second", ControlPlane.TickBenchmark.RunAsync),
        new("gate-tick", "one tick of a class of ten thousand devices, taken in and judged", Gating.GateTickBenchmark.RunAsync),
        new("fetch", "an artifact's way onto the device, against curl", Devices.FetchBenchmark.RunAsync),
        new("fleet", "a controller with a thousand devices, and a rollback of all of them", ControlPlane.FleetBenchmark.RunAsync),
        new("idle", "an agent on a device where nothing happens", Devices.IdleAgentBenchmark.RunAsync),
        new("simulate", "a rollout and a rollback of a thousand hollow agents", ControlPlane.HollowFleetBenchmark.RunAsync),
        new("serving", "what the runner adds to an inference", Serving.ServingBenchmark.RunAsync),
        new("shadow-tax", "what a shadow costs the application that asks the runner", Serving.ShadowTaxBenchmark.RunAsync),
        new("meter", "what metering costs the device that is metered", Measuring.MeterBenchmark.RunAsync),
        new("inference-overhead", "what the measured loop adds to an inference, against a C program over the same library", Measuring.InferenceOverheadBenchmark.RunAsync),
        new("bench-command", "whether edgefleet bench prints the latency that a C program finds", Measuring.BenchCommandBenchmark.RunAsync),
    ];

    public static IReadOnlyList<Measurement> Evidence { get; } =
    [
        new("gate", "whether the gate's tests keep their promise under peeking (simulated fleets)", Gating.GateEvidence.RunAsync),
        new("gate-harm", "false rollbacks at exactly the margin, over noises and sizes of fleets (simulated)", Gating.HarmFalseAlarms.RunAsync),
        new("gate-promotion", "false promotions at exactly the margin, over kinds of classes (simulated)", Gating.PromotionFalseAlarms.RunAsync),
        new("gate-detection", "how soon the gate finds harm beside a rank test, counted checks and t tests (simulated)", Gating.Detection.RunAsync),
        new("gate-controls", "what the gate's rules prevent: each beside its absence, which must fail (simulated)", Gating.GateControls.RunAsync),
        new("aa-rollouts", "100 whole rollouts of the real baseline against itself (hollow devices that replay measured pairs)", Replays.ReplayEvidence.AgainstItselfAsync),
        new("candidate-rollouts", "what whole rollouts decide about candidates with a known harm (hollow devices that replay measured pairs)", Replays.ReplayEvidence.CandidatesAsync),
        new("labelled-rollouts", "the same where applications tell later what would have been right", Replays.ReplayEvidence.LabelledAsync),
        new("verdict-simulation", "whether paired blocks find the differences that exist and no others (simulated devices)", Measuring.VerdictSimulation.RunAsync),
        new("fleet-soak", "rollouts, aborts and rollbacks on 100 hollow agents while controller and broker are killed (10 minutes)", ControlPlane.FleetSoak.RunAsync),
        new("paired-benchmark", "whether the benchmark tells the truth about two models", Measuring.PairedBenchmarkEvidence.RunAsync),
        new("gpio", "our GPIO requests before an arm64 kernel and a chip (qemu)", Gpio.GpioEvidence.RunAsync),
    ];
}
