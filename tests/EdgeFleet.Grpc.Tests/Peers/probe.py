"""What server and client in Python share: the messages of probe.proto and the way certificates are laid out."""

import argparse
import pathlib

from google.protobuf import descriptor_pool, message_factory

SERVICE = "edgefleet.probe.Probe"


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--descriptor", required=True, help="file descriptor of probe.proto, serialized")
    parser.add_argument("--tls", type=pathlib.Path, help="folder with ca.pem, server.pem, device-7.pem and their keys")
    parser.add_argument("--address", help="host:port of the server, for a client")
    parser.add_argument("--unix", help="a socket file on which the server also listens, without TLS, for a client")
    parser.add_argument("--port", type=int, default=0, help="where to listen, for a server; 0: anywhere")
    options = parser.parse_args()

    # Built from the descriptor, so that no generator has to fit the installed runtime.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(pathlib.Path(options.descriptor).read_bytes())
    descriptor = pool.FindMessageTypeByName("edgefleet.probe.Message")
    if hasattr(message_factory, "GetMessageClass"):
        message = message_factory.GetMessageClass(descriptor)
    else:
        message = message_factory.MessageFactory(pool).GetPrototype(descriptor)
    return options, message


def pem(folder, name):
    return (folder / f"{name}.pem").read_bytes()
