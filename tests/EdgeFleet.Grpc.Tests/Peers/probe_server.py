"""The probe on Debian's grpcio. Prints 'listening PORT' and serves until its standard input ends."""

import concurrent.futures
import sys
import threading

import grpc

import probe

options, Message = probe.arguments(__doc__)
cancellations = 0
changed = threading.Condition()


def watched(method):
    """Counts calls that ended before their method did."""

    def run(request, context):
        state = {"over": False}

        def ended():
            global cancellations
            if not state["over"]:
                with changed:
                    cancellations += 1
                    changed.notify_all()

        context.add_callback(ended)
        return method(request, context, state)

    return run


def obey(wish, context):
    if wish.hang:
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait()
    if wish.status:
        code = next(code for code in grpc.StatusCode if code.value[0] == wish.status)
        context.set_code(code)
        context.set_details(wish.detail)
        return False
    return True


@watched
def echo(request, context, state):
    echoed = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
    if echoed:
        context.send_initial_metadata(echoed)
        context.set_trailing_metadata(echoed)
    obey(request.wish, context)
    state["over"] = True
    return request


@watched
def count(request, context, state):
    payload = bytes(request.wish.reply_bytes)
    for number in range(request.number):
        yield Message(number=number, payload=payload)
    obey(request.wish, context)
    state["over"] = True


@watched
def add_up(requests, context, state):
    total = messages = stop_after = 0
    for message in requests:
        stop_after = stop_after or message.wish.stop_after
        total += message.number
        messages += 1
        if messages == stop_after:
            break
    state["over"] = True
    return Message(number=total, text=str(messages))


@watched
def chat(requests, context, state):
    for message in requests:
        yield message
        if message.HasField("wish"):
            obey(message.wish, context)
            break
    state["over"] = True


def await_cancellations(request, context):
    with changed:
        changed.wait_for(lambda: cancellations >= request.number)
    return request


def handler(make, method):
    return make(method, request_deserializer=Message.FromString, response_serializer=Message.SerializeToString)


server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(probe.SERVICE, {
    "Echo": handler(grpc.unary_unary_rpc_method_handler, echo),
    "Count": handler(grpc.unary_stream_rpc_method_handler, count),
    "Sum": handler(grpc.stream_unary_rpc_method_handler, add_up),
    "Chat": handler(grpc.stream_stream_rpc_method_handler, chat),
    "AwaitCancellations": handler(grpc.unary_unary_rpc_method_handler, await_cancellations),
}),))
if options.tls:
    port = server.add_secure_port(f"127.0.0.1:{options.port}", grpc.ssl_server_credentials(
        [(probe.pem(options.tls, "server-key"), probe.pem(options.tls, "server"))],
        root_certificates=probe.pem(options.tls, "ca"), require_client_auth=True))
else:
    port = server.add_insecure_port(f"127.0.0.1:{options.port}")
server.start()
print("listening", port, flush=True)
sys.stdin.read()
server.stop(grace=None)
