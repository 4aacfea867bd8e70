using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EdgeFleet.Benchmarks.Mqtt;

/// <summary>
/// libmosquitto, the library behind mosquitto_pub, as a publisher at QoS 1: what a program would use instead of our session. The
/// command line client cannot be timed: it looks whether it is done every tenth of a second (0.20 s for one line and for 8,000),
/// and of 200,000 lines it sent 68,932 and ended with 0.
/// </summary>
internal sealed unsafe partial class ForeignPublisher : IDisposable
{
    private const string Library = "libmosquitto.so.1";
    private const int ProtocolVersionOption = 1;
    private const int Mqtt5 = 5;

    private readonly GCHandle _self;
    private readonly nint _client;
    private readonly SemaphoreSlim _room = new(0);
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ForeignPublisher(string host, int port)
    {
        _self = GCHandle.Alloc(this);
        mosquitto_lib_init();
        _client = mosquitto_new($"foreign-{port}", true, GCHandle.ToIntPtr(_self));
        Require(mosquitto_int_option(_client, ProtocolVersionOption, Mqtt5));
        mosquitto_connect_callback_set(_client, &OnConnect);
        mosquitto_publish_callback_set(_client, &OnPublish);
        Require(mosquitto_connect(_client, host, port, 60));
        Require(mosquitto_loop_start(_client));
        _connected.Task.Wait(TimeSpan.FromSeconds(10));
    }

    /// <summary>Publishes that many and returns when the last is acknowledged; at most <paramref name="ahead"/> wait for it at a time.</summary>
    public void Publish(string topic, byte[] payload, int messages, int ahead)
    {
        _room.Release(ahead);
        fixed (byte* bytes = payload)
        {
            for (int i = 0; i < messages; i++)
            {
                _room.Wait();
                Require(mosquitto_publish(_client, out _, topic, payload.Length, bytes, 1, false));
            }
        }
        for (int i = 0; i < ahead; i++)
        {
            _room.Wait();
        }
    }

    public void Dispose()
    {
        mosquitto_disconnect(_client);
        mosquitto_loop_stop(_client, false);
        mosquitto_destroy(_client);
        _self.Free();
        _room.Dispose();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnConnect(nint client, nint self, int reason)
    {
        if (reason == 0)
        {
            Of(self)._connected.TrySetResult();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnPublish(nint client, nint self, int messageId) => Of(self)._room.Release();

    private static ForeignPublisher Of(nint self) => (ForeignPublisher)GCHandle.FromIntPtr(self).Target!;

    private static void Require(int error)
    {
        if (error != 0)
        {
            throw new IOException($"libmosquitto: error {error}");
        }
    }

    [LibraryImport(Library)]
    private static partial int mosquitto_lib_init();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint mosquitto_new(string id, [MarshalAs(UnmanagedType.U1)] bool cleanSession, nint self);

    [LibraryImport(Library)]
    private static partial int mosquitto_int_option(nint client, int option, int value);

    [LibraryImport(Library)]
    private static partial void mosquitto_connect_callback_set(nint client, delegate* unmanaged[Cdecl]<nint, nint, int, void> callback);

    [LibraryImport(Library)]
    private static partial void mosquitto_publish_callback_set(nint client, delegate* unmanaged[Cdecl]<nint, nint, int, void> callback);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mosquitto_connect(nint client, string host, int port, int keepAliveSeconds);

    [LibraryImport(Library)]
    private static partial int mosquitto_loop_start(nint client);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mosquitto_publish(
        nint client, out int messageId, string topic, int length, byte* payload, int qos, [MarshalAs(UnmanagedType.U1)] bool retain);

    [LibraryImport(Library)]
    private static partial int mosquitto_disconnect(nint client);

    [LibraryImport(Library)]
    private static partial int mosquitto_loop_stop(nint client, [MarshalAs(UnmanagedType.U1)] bool force);

    [LibraryImport(Library)]
    private static partial void mosquitto_destroy(nint client);
}
