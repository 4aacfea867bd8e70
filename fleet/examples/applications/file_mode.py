#!/usr/bin/env python3
"""An application in file mode: it loads the model's files itself, and tells the agent how it does.

    edgefleet-agent file-mode set fashion --state /var/lib/edgefleet --hook …/reload.sh \\
        --hook-argument /run/myapp/pid --hook-argument /run/myapp/loaded
    file_mode.py --model fashion --state /var/lib/edgefleet --run /run/myapp

What is EdgeFleet's business in it: which folder it loads (`resolve`), what it does when the hook says that there is another one
(`reload`), and one line of JSON a second (`Health`). Everything else is yours. With the package onnxruntime it infers on zeros;
without it the model's file is only read, which is enough to try the swap, the hook and the health socket.
"""
import argparse
import json
import os
import signal
import socket
import sys
import time

try:
    import numpy
    import onnxruntime
except ImportError:
    onnxruntime = None


def resolve(state, model):
    """The folder that is active now, and its digest. Resolved once: a swap in between must not mix files of two models."""
    folder = os.path.realpath(os.path.join(state, "models", model, "current"), strict=True)
    return folder, "sha256:" + os.path.basename(os.path.dirname(folder))  # …/artifacts/<digest>/files


def load(folder):
    """Whatever loads your model: a session, an engine, a pipeline. It returns what is called once per input, and raises."""
    path = os.path.join(folder, next(name for name in sorted(os.listdir(folder)) if name.endswith(".onnx")))
    if onnxruntime is None:
        with open(path, "rb") as file:
            content = file.read()
        if not content:
            raise ValueError(f"{path} is empty")
        return lambda: [float(len(content))]
    session = onnxruntime.InferenceSession(path)
    shapes = {item.name: [size if isinstance(size, int) else 1 for size in item.shape] for item in session.get_inputs()}
    return lambda: session.run(None, {name: numpy.zeros(shape, numpy.float32) for name, shape in shapes.items()})


class Health:
    """Totals since this process loaded this digest, told to the agent a line at a time. The agent may be away: then nothing is lost."""

    def __init__(self, path, model):
        self.path, self.model, self.connection = path, model, None
        self.instance = f"{os.getpid()}-{time.time_ns()}"

    def begin(self, digest):
        self.digest, self.requests, self.errors, self.outputs, self.micros = digest, 0, 0, 0, []

    def count(self, seconds, outputs):
        self.requests += 1
        self.outputs += len(outputs)
        self.micros = self.micros[-999:] + [seconds * 1e6]

    def fail(self):
        self.requests += 1
        self.errors += 1

    def tell(self):
        sorted_micros = sorted(self.micros) or [0]
        line = {
            "model": self.model, "digest": self.digest, "instance": self.instance,
            "requests": self.requests, "errors": self.errors, "outputs": self.outputs,
            "latencyMicros": {"p50": sorted_micros[len(sorted_micros) // 2], "p95": sorted_micros[int(len(sorted_micros) * 0.95)]},
        }
        try:
            if self.connection is None:
                self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.connection.settimeout(2)
                self.connection.connect(self.path)
                self.answers = self.connection.makefile()
            self.connection.sendall(json.dumps(line).encode() + b"\n")
            answer = json.loads(self.answers.readline() or "{}")
            if not answer.get("ok"):
                print("the agent says:", answer.get("error", "nothing"), file=sys.stderr)
        except (OSError, ValueError) as fault:
            print("the agent is away:", fault, file=sys.stderr)
            self.connection.close()
            self.connection = None


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--state", required=True, help="the agent's state folder")
    parser.add_argument("--run", required=True, help="a folder for this application's pid and loaded files")
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    asked = {"reload": False, "end": False}
    signal.signal(signal.SIGHUP, lambda *_: asked.update(reload=True))
    signal.signal(signal.SIGTERM, lambda *_: asked.update(end=True))
    health = Health(os.path.join(options.state, "file-mode", "health.sock"), options.model)

    def reload(infer):
        """The new model, or the old one where the new one does not load: the hook reads which, and its exit code says so."""
        try:
            folder, digest = resolve(options.state, options.model)
            infer = load(folder)
            health.begin(digest)
            write(os.path.join(options.run, "loaded"), digest)
        except Exception as fault:  # whatever your runtime raises: it must not end the application
            write(os.path.join(options.run, "loaded"), f"not loaded: {fault}")
            if infer is None:
                raise
        return infer

    infer = reload(None)
    write(os.path.join(options.run, "pid"), str(os.getpid()))
    told = 0.0
    while not asked["end"]:
        if asked["reload"]:
            asked["reload"] = False
            infer = reload(infer)
            told = 0.0
        began = time.monotonic()
        try:
            outputs = infer()
            health.count(time.monotonic() - began, outputs)
        except Exception as fault:
            print("inference failed:", fault, file=sys.stderr)
            health.fail()
        if time.monotonic() - told >= 1:
            health.tell()
            told = time.monotonic()
        time.sleep(max(0, 1 / options.rate - (time.monotonic() - began)))
    os.remove(os.path.join(options.run, "pid"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
