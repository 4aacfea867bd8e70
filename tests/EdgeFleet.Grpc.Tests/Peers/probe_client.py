"""Checks a probe server with Debian's grpcio. Prints one line of JSON per check."""

import json
import threading
import time
import traceback

import grpc

import probe

options, Message = probe.arguments(__doc__)
Wish = type(Message().wish)
SOON = 30


def connect(**extra):
    channel_options = [("grpc.max_receive_message_length", 16 << 20), *extra.pop("options", [])]
    if not options.tls:
        return grpc.insecure_channel(options.address, options=channel_options, **extra)
    credentials = grpc.ssl_channel_credentials(
        probe.pem(options.tls, "ca"), probe.pem(options.tls, "device-7-key"), probe.pem(options.tls, "device-7"))
    return grpc.secure_channel(options.address, credentials, options=channel_options, **extra)


class Client:
    def __init__(self, channel):
        def method(make, name):
            return make(f"/{probe.SERVICE}/{name}", request_serializer=Message.SerializeToString, response_deserializer=Message.FromString)

        self.echo = method(channel.unary_unary, "Echo")
        self.count = method(channel.unary_stream, "Count")
        self.sum = method(channel.stream_unary, "Sum")
        self.chat = method(channel.stream_stream, "Chat")
        self.await_cancellations = method(channel.unary_unary, "AwaitCancellations")
        self.missing = method(channel.unary_unary, "Missing")


class Feed:
    """Requests of a stream, given one by one."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self.changed:
            self.changed.wait_for(lambda: self.items)
            item = self.items.pop(0)
        if item is None:
            raise StopIteration
        return item


def equal(expected, seen):
    if expected != seen:
        raise AssertionError(f"expected {expected!r}, seen {seen!r}")


def fails(code, call, detail=None):
    try:
        call()
    except grpc.RpcError as error:
        equal(code, error.code())
        if detail is not None:
            equal(detail, error.details())
        return
    raise AssertionError(f"expected {code}, but the call ended as OK")


def cancellation_is_seen(client):
    # No unary call here: grpcio shows its headers only with its answer, so nothing would say that it has started.
    stream = client.count(Message(number=1, wish=Wish(hang=True)))
    next(stream)
    stream.cancel()
    feed = Feed()
    chat = client.chat(feed)
    feed.put(Message(number=1))
    next(chat)
    chat.cancel()
    feed.put(None)
    client.await_cancellations(Message(number=2), timeout=SOON)


def unary(client):
    answer = client.echo(Message(text="grüß", payload=b"\0\xff", number=-5), timeout=SOON)
    equal(("grüß", b"\0\xff", -5), (answer.text, answer.payload, answer.number))


def metadata(client):
    sent = [("x-text", "plain, with commas"), ("x-raw-bin", b"\0\xff,"), ("x-many", "1"), ("x-many", "2"), ("x-empty-bin", b"")]
    answer, call = client.echo.with_call(Message(), metadata=sent, timeout=SOON)
    for received in (call.initial_metadata(), call.trailing_metadata()):
        mine = [(entry.key, entry.value) for entry in received if entry.key.startswith("x-")]
        equal(sorted(sent), sorted(mine))


def status_text(client):
    detail = "100 % of 'grüß'\n🐑"
    fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: client.echo(Message(wish=Wish(status=9, detail=detail)), timeout=SOON), detail)


def unimplemented(client):
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: client.missing(Message(), timeout=SOON))


def server_stream(client):
    messages = list(client.count(Message(number=500, wish=Wish(reply_bytes=1000)), timeout=SOON))
    equal(list(range(500)), [message.number for message in messages])
    equal({1000}, {len(message.payload) for message in messages})


def server_stream_status(client):
    stream = client.count(Message(number=3, wish=Wish(status=15, detail="lost")), timeout=SOON)
    equal([0, 1, 2], [next(stream).number for _ in range(3)])
    fails(grpc.StatusCode.DATA_LOSS, lambda: next(stream), "lost")


def client_stream(client):
    answer = client.sum((Message(number=number) for number in range(1, 101)), timeout=SOON)
    equal((5050, "100"), (answer.number, answer.text))


def client_stream_ended_early(client):
    answer = client.sum((Message(number=1, payload=bytes(1_000_000), wish=Wish(stop_after=2)) for _ in range(100)), timeout=SOON)
    equal((2, "2"), (answer.number, answer.text))


def duplex_lockstep(client):
    feed = Feed()
    call = client.chat(feed, timeout=SOON)
    for number in range(50):
        feed.put(Message(number=number))
        equal(number, next(call).number)
    feed.put(None)
    equal([], list(call))


def deadline(client):
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: client.echo(Message(wish=Wish(hang=True)), timeout=0.2))
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(client.count(Message(number=2, wish=Wish(hang=True)), timeout=0.2)))


def over_cap(client):
    fails(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: client.echo(Message(payload=bytes(5 << 20)), timeout=SOON))
    fails(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: list(client.count(Message(number=1, wish=Wish(reply_bytes=5 << 20)), timeout=SOON)))


def large_message(client):
    payload = bytes(range(256)) * 15_600
    equal(payload, client.echo(Message(payload=payload), timeout=SOON).payload)


def large_upload(client):
    answer = client.sum((Message(number=1, payload=bytes(64 << 10)) for _ in range(640)), timeout=SOON)
    equal(640, answer.number)


def compressed_is_refused(_):
    with connect(compression=grpc.Compression.Gzip) as channel:
        fails(grpc.StatusCode.UNIMPLEMENTED, lambda: Client(channel).echo(Message(payload=bytes(10_000)), timeout=SOON))


def idle_with_pings(_):
    with connect(options=[("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 1000)]) as channel:
        feed = Feed()
        call = Client(channel).chat(feed)
        feed.put(Message(number=1))
        equal(1, next(call).number)
        time.sleep(3)
        feed.put(Message(number=2))
        equal(2, next(call).number)
        feed.put(None)
        equal([], list(call))


def unix_socket(_):
    with grpc.insecure_channel(f"unix:{options.unix}") as channel:
        equal("over a file", Client(channel).echo(Message(text="over a file"), timeout=SOON).text)


def many_calls_at_once(client):
    calls = [client.echo.future(Message(number=number), timeout=SOON) for number in range(300)]
    equal(list(range(300)), [call.result().number for call in calls])


def goodbye_of_the_server(client):
    feed = Feed()
    chat = client.chat(feed, timeout=SOON)
    feed.put(Message(number=1))
    equal(1, next(chat).number)
    client.echo(Message(wish=Wish(goodbye=True)), timeout=SOON)
    equal(7, client.echo(Message(number=7), timeout=SOON, wait_for_ready=True).number)
    feed.put(Message(number=2))
    equal(2, next(chat).number)
    feed.put(None)
    equal([], list(chat))


def connection_cut(client):
    fails(grpc.StatusCode.UNAVAILABLE, lambda: client.echo(Message(wish=Wish(cut=True)), timeout=SOON))
    equal(8, client.echo(Message(number=8), timeout=SOON, wait_for_ready=True).number)


with connect() as connected:
    # Cancellation first: it counts on nothing having been cancelled before.
    for check in (cancellation_is_seen, unary, metadata, status_text, unimplemented, server_stream, server_stream_status,
                  client_stream, client_stream_ended_early, duplex_lockstep, deadline, over_cap, large_message, large_upload,
                  compressed_is_refused, idle_with_pings, unix_socket, many_calls_at_once, goodbye_of_the_server, connection_cut):
        try:
            check(Client(connected))
            problem = None
        except Exception:
            problem = traceback.format_exc()
        print(json.dumps({"check": check.__name__, "problem": problem}), flush=True)
