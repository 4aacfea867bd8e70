using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>Makes one link: name resolution, TCP, TLS, CONNECT, CONNACK, all within the connect timeout.</summary>
internal static class MqttConnector
{
    private const string ConnAckStep = "CONNACK";

    // Zero-byte reads: an idle link holds no buffer.
    private static readonly StreamPipeReaderOptions s_inputOptions = new(useZeroByteReads: true, leaveOpen: true);

    /// <exception cref="MqttException">The only way in which the network and the broker make this fail.</exception>
    public static async Task<MqttConnection> OpenAsync(
        MqttSessionOptions options, bool cleanStart, MqttWill? will, TimeProvider time, Lock gate, CancellationToken cancellationToken)
    {
        string address = $"{options.Host}:{options.Port}";
        using CancellationTokenSource timeout = new(options.ConnectTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        string step = "connect";
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(options.Host, options.Port), either.Token);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Tls is { } tls)
            {
                step = "TLS handshake";
                stream = await AuthenticateAsync(stream, tls, options.Host, either.Token);
            }
            step = ConnAckStep;
            return await HandshakeAsync(socket, stream, options, cleanStart, will, time, gate, either.Token);
        }
        catch (Exception exception)
        {
            if (stream is not null)
            {
                await stream.DisposeAsync();
            }
            socket.Dispose();
            switch (exception)
            {
                case OperationCanceledException when !cancellationToken.IsCancellationRequested:
                    throw new MqttException($"{address}: no {step} within {options.ConnectTimeout}", null, exception);
                case MqttException { ReasonCode: not null } known:
                    throw new MqttException($"{address}: {known.Message}", known.ReasonCode, known);
                case IOException or SocketException or AuthenticationException or CryptographicException:
                    throw new MqttException($"{address}: {step}: {Describe(exception)}{Hint(options, step)}", null, exception);
                default:
                    throw;
            }
        }
    }

    /// <summary>The outermost message says where, the innermost says what; OpenSSL's reason is only in the latter.</summary>
    private static string Describe(Exception exception)
    {
        Exception innermost = exception.GetBaseException();
        return ReferenceEquals(innermost, exception) ? exception.Message : $"{exception.Message} ({innermost.Message})";
    }

    private static string Hint(MqttSessionOptions options, string step) => (step, options.Tls) switch
    {
        // With TLS 1.3 a broker refuses a client certificate only after our side of the handshake is done.
        (ConnAckStep, not null) => "; a broker ends it so where it misses or refuses the client certificate",
        (ConnAckStep, null) => "; a TLS listener does so with a client that does not speak TLS",
        _ => "",
    };

    private static async Task<SslStream> AuthenticateAsync(Stream inner, MqttTlsOptions tls, string host, CancellationToken cancellationToken)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(tls.TrustedRoots);
        if (tls.VerificationTime is { } now)
        {
            policy.VerificationTime = now().LocalDateTime;
        }
        SslStream stream = new(inner);
        try
        {
            // No validation callback of our own: with a chain policy the framework checks the chain and the name, and a callback is
            // where one of the two gets forgotten.
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = tls.ServerName ?? host,
                CertificateChainPolicy = policy,
                ClientCertificateContext = tls.ClientCertificate?.Invoke() is { } certificate
                    ? SslStreamCertificateContext.Create(certificate, tls.Intermediates, offline: true)
                    : null,
            }, cancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<MqttConnection> HandshakeAsync(
        Socket socket, Stream stream, MqttSessionOptions options, bool cleanStart, MqttWill? will, TimeProvider time, Lock gate,
        CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> connect = new(256);
        PacketEncoder.Connect(connect, options, cleanStart, will);
        await stream.WriteAsync(connect.WrittenMemory, cancellationToken);

        PipeReader input = PipeReader.Create(stream, s_inputOptions);
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (FrameReader.TryRead(ref buffer, options.MaximumPacketSize, out byte header, out ReadOnlySequence<byte> body))
            {
                ConnAckPacket connAck = Accept(header, body.ToArray(), cleanStart);
                input.AdvanceTo(buffer.Start);
                return new MqttConnection(socket, stream, input, connAck, options, time, gate);
            }
            input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                throw new IOException("the broker closed the link without an answer");
            }
        }
    }

    private static ConnAckPacket Accept(byte header, byte[] body, bool cleanStart)
    {
        PacketDecoder.RequireFlags(header);
        if (PacketDecoder.Type(header) != PacketType.ConnAck)
        {
            throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"the broker's first packet is {PacketDecoder.Type(header)}, not CONNACK");
        }
        ConnAckPacket connAck = PacketDecoder.ConnAck(body);
        if (connAck.ReasonCode != MqttReasonCode.Success)
        {
            throw new MqttException($"the broker refuses the connection: {connAck.Properties.ReasonString ?? connAck.ReasonCode.ToString()}", connAck.ReasonCode);
        }
        if (connAck.Properties.MaximumQos == 0)
        {
            throw new MqttException("the broker takes QoS 0 only", MqttReasonCode.QosNotSupported);
        }
        if (cleanStart && connAck.SessionPresent)
        {
            throw new MqttProtocolException(MqttReasonCode.ProtocolError, "the broker kept a session although a clean start was asked for");
        }
        return connAck;
    }
}
