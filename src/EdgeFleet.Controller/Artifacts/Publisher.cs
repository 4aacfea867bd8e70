using System.Text;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>
/// Takes an artifact into the store of what may be rolled out: signed by a release key, whole, with the contract that the
/// model's applications rely on, and on evidence. Only evidence can be overridden, and that is audited.
/// </summary>
internal sealed class Publisher(Database database, ContentStore content, ReleaseKeys releaseKeys, TimeProvider time)
{
    private const int WarningDevices = 8;

    public async Task<PublishResult> PublishAsync(PublishAttempt attempt, CancellationToken cancellationToken)
    {
        DsseEnvelope envelope;
        ArtifactManifest manifest;
        string keyId;
        try
        {
            envelope = DsseEnvelope.Parse(attempt.Envelope);
            // The signature first: of a manifest that nobody signed not one field is read.
            switch (envelope.Verify(ArtifactManifest.PayloadType, releaseKeys.Current.Ring))
            {
                case VerificationResult.Rejected rejected:
                    string wayOut = rejected.Reason == RejectionReason.UnknownKey ? "; an administrator lets a key in with 'edgefleet keys trust FILE.pub'" : "";
                    return new PublishResult.Refused($"artifact {Digest.Of(envelope.Payload.Span)}: {rejected.Detail}{wayOut}");
                case VerificationResult.Verified verified:
                    keyId = verified.KeyId;
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
            manifest = ArtifactManifest.FromBytes(envelope.Payload.Span);
        }
        catch (FormatException ex)
        {
            return new PublishResult.Refused(ex.Message);
        }

        Digest digest = Digest.Of(envelope.Payload.Span);
        if (MissingContent(manifest) is { } missing)
        {
            return new PublishResult.Incomplete($"artifact {digest}: {missing}");
        }
        return await database.WriteAsync(
            $"publish {digest.Short}", transaction => Write(transaction, attempt, manifest, envelope, digest, keyId), cancellationToken);
    }

    private PublishResult Write(
        WriteTransaction transaction, PublishAttempt attempt, ArtifactManifest manifest, DsseEnvelope envelope, Digest digest, string keyId)
    {
        if (ArtifactStore.Exists(transaction, digest.ToString()))
        {
            return new PublishResult.Published(digest, manifest.Model, manifest.Version, Known: true, WarningOf(transaction, keyId));
        }
        if (MissingContent(manifest) is { } missing)
        {
            // Looked at again on the writer: what is old and not named is removed there.
            return new PublishResult.Incomplete($"artifact {digest}: {missing}");
        }
        IReadOnlyList<ArtifactRow> baselines = ArtifactStore.List(transaction, manifest.Model);
        if (manifest.Baseline is { } baselineDigest)
        {
            if (ArtifactStore.Find(transaction, baselineDigest.ToString()) is not { } row)
            {
                return new PublishResult.Incomplete($"artifact {digest}: its baseline {baselineDigest} is not published here");
            }
            if (row.Model != manifest.Model)
            {
                return new PublishResult.Refused($"artifact {digest} is of model '{manifest.Model}', its baseline {baselineDigest} of '{row.Model}'");
            }
            baselines = [row];
        }
        if (ContractComplaint(transaction, manifest) is { } contract)
        {
            return new PublishResult.Refused($"artifact {digest}: {contract}");
        }
        // The newest wins where two artifacts have the same model files.
        Dictionary<Digest, string> baselineOf = [];
        foreach (ArtifactRow row in baselines)
        {
            baselineOf[ModelFiles.Of(ArtifactManifest.FromBytes(Encoding.UTF8.GetBytes(row.Manifest))).Identity] = row.Digest;
        }
        string? complaint = EvidenceCheck.Complaint(manifest, attempt.Evidence, baselineOf.Keys);
        if (complaint is not null && string.IsNullOrWhiteSpace(attempt.OverrideReason))
        {
            return new PublishResult.Refused($"artifact {digest}: {complaint}");
        }

        long now = time.NowMs();
        ArtifactStore.Add(
            transaction,
            new ArtifactRow
            {
                Digest = digest.ToString(),
                Model = manifest.Model,
                Version = manifest.Version,
                // Whoever signs knows the baseline's file, not what it was published as: the evidence names it.
                Baseline = manifest.Baseline?.ToString()
                    ?? (complaint is null && attempt.Evidence is { } evidence && EvidenceCheck.BaselineOf(evidence) is { } file ? baselineOf.GetValueOrDefault(file) : null),
                Envelope = envelope.ToBytes(),
                Manifest = Encoding.UTF8.GetString(envelope.Payload.Span),
                KeyId = keyId,
                Evidence = attempt.Evidence,
                OverrideReason = complaint is null ? null : attempt.OverrideReason,
                PublishedBy = attempt.Actor,
                PublishedAt = now,
            },
            manifest.Files.Select(file => new ArtifactFileRow { Digest = digest.ToString(), Path = file.Path, Sha256 = file.Sha256.ToString(), SizeBytes = file.SizeBytes }));
        AuditStore.Append(transaction, now, attempt.Actor, "artifact.published", digest.ToString(), $"model '{manifest.Model}' {manifest.Version}, signed by {keyId[..12]}");
        if (complaint is not null)
        {
            AuditStore.Append(transaction, now, attempt.Actor, "artifact.override", digest.ToString(), $"{complaint}; published all the same: {attempt.OverrideReason}");
        }
        return new PublishResult.Published(digest, manifest.Model, manifest.Version, Known: false, WarningOf(transaction, keyId));
    }

    /// <summary>A device's keys are set when it enrols; one that was added later is foreign to it.</summary>
    private static string? WarningOf(WriteTransaction transaction, string keyId)
    {
        IReadOnlyList<string> devices = DeviceStore.ListUnawareOf(transaction, keyId);
        string more = devices.Count > WarningDevices ? $" and {devices.Count - WarningDevices} more" : "";
        return devices.Count == 0 ? null
            : $"{devices.Count} of the fleet's devices do not believe the release key {keyId[..12]} and will refuse this artifact ({string.Join(", ", devices.Take(WarningDevices))}{more}); sign it with a key that they know, or enrol them anew";
    }

    private string? MissingContent(ArtifactManifest manifest)
    {
        foreach (ArtifactFile file in manifest.Files)
        {
            long? size = content.SizeOf(file.Sha256);
            if (size is null)
            {
                return $"file '{file.Path}' ({file.Sha256}) is not here; send it with PUT /api/v1/content/{file.Sha256.Hex} first";
            }
            if (size != file.SizeBytes)
            {
                return $"file '{file.Path}': {size} bytes are here, the manifest says {file.SizeBytes}";
            }
        }
        return null;
    }

    /// <summary>What devices serve now is what their applications were written for.</summary>
    private static string? ContractComplaint(WriteTransaction transaction, ArtifactManifest manifest)
    {
        if (manifest.ApplicationVersions.Count > 0)
        {
            return null;
        }
        foreach (AssignmentRow assignment in AssignmentStore.ListOfModel(transaction, manifest.Model))
        {
            if (ArtifactStore.Find(transaction, assignment.Digest) is { } row
                && ArtifactManifest.FromBytes(Encoding.UTF8.GetBytes(row.Manifest)).Contract.FirstDifference(manifest.Contract) is { } difference)
            {
                return $"its contract differs from that of {assignment.Digest}, which devices serve: {difference}; name the application versions that can use it (applicationVersions)";
            }
        }
        return null;
    }
}
