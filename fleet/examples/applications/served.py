#!/usr/bin/env python3
"""An application in served mode: it asks the runner on its device over the Open Inference Protocol v2 (REST).

    served.py --socket /run/edgefleet/infer.sock --model fashion [--count 10]

It asks what the model takes, sends zeros of that shape, and prints what comes back. Python's standard library is all it needs;
nothing of EdgeFleet is linked in, and a change of the model behind it is never seen here but in the answers.
"""
import argparse
import http.client
import json
import socket
import sys


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the host name is only there because HTTP asks for one."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, method, path, body=None):
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != 200:
        raise SystemExit(f"{method} {path}: {response.status}: {answer.get('error')}")
    return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()

    connection = UnixConnection(options.socket, timeout=10)  # kept open: a connection for each request costs more than most models
    inputs = []
    for tensor in ask(connection, "GET", f"/v2/models/{options.model}")["inputs"]:
        shape = [1 if size < 0 else size for size in tensor["shape"]]  # -1: any number, such as the rows of a batch
        values = 1
        for size in shape:
            values *= size
        inputs.append({"name": tensor["name"], "datatype": tensor["datatype"], "shape": shape, "data": [0] * values})
    for _ in range(options.count):
        answer = ask(connection, "POST", f"/v2/models/{options.model}/infer", {"inputs": inputs})
        for output in answer["outputs"]:
            print(output["name"], output["shape"], output["data"][:8])
    return 0


if __name__ == "__main__":
    sys.exit(main())
