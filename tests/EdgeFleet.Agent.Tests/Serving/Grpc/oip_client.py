"""A client of the Open Inference Protocol that is not ours: Debian's grpcio, with messages built from the numbers that the
protocol publishes (written out here once more, so that a mistake in our .proto shows) and REST by the standard library.
Prints one line of JSON per check."""

import argparse
import array
import concurrent.futures
import http.client
import json
import struct
import traceback

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rest", required=True, help="host:port")
parser.add_argument("--grpc", required=True, help="host:port")
parser.add_argument("--unix", required=True, help="gRPC's socket")
options = parser.parse_args()

F = descriptor_pb2.FieldDescriptorProto
KINDS = {"string": F.TYPE_STRING, "bytes": F.TYPE_BYTES, "bool": F.TYPE_BOOL, "int32": F.TYPE_INT32, "int64": F.TYPE_INT64,
         "uint32": F.TYPE_UINT32, "uint64": F.TYPE_UINT64, "float": F.TYPE_FLOAT, "double": F.TYPE_DOUBLE}
REPEATED, ONE = True, False
# name: [(number, field, type, repeated)]; "map" is map<string, InferParameter>.
MESSAGES = {
    "ServerLiveRequest": [], "ServerLiveResponse": [(1, "live", "bool", ONE)],
    "ServerReadyRequest": [], "ServerReadyResponse": [(1, "ready", "bool", ONE)],
    "ModelReadyRequest": [(1, "name", "string", ONE), (2, "version", "string", ONE)], "ModelReadyResponse": [(1, "ready", "bool", ONE)],
    "ServerMetadataRequest": [],
    "ServerMetadataResponse": [(1, "name", "string", ONE), (2, "version", "string", ONE), (3, "extensions", "string", REPEATED)],
    "ModelMetadataRequest": [(1, "name", "string", ONE), (2, "version", "string", ONE)],
    "TensorMetadata": [(1, "name", "string", ONE), (2, "datatype", "string", ONE), (3, "shape", "int64", REPEATED)],
    "ModelMetadataResponse": [(1, "name", "string", ONE), (2, "versions", "string", REPEATED), (3, "platform", "string", ONE),
                              (4, "inputs", "TensorMetadata", REPEATED), (5, "outputs", "TensorMetadata", REPEATED)],
    "InferParameter": [(1, "bool_param", "bool", ONE), (2, "int64_param", "int64", ONE), (3, "string_param", "string", ONE),
                       (4, "double_param", "double", ONE), (5, "uint64_param", "uint64", ONE)],
    "InferTensorContents": [(1, "bool_contents", "bool", REPEATED), (2, "int_contents", "int32", REPEATED), (3, "int64_contents", "int64", REPEATED),
                            (4, "uint_contents", "uint32", REPEATED), (5, "uint64_contents", "uint64", REPEATED), (6, "fp32_contents", "float", REPEATED),
                            (7, "fp64_contents", "double", REPEATED), (8, "bytes_contents", "bytes", REPEATED)],
    "InferInputTensor": [(1, "name", "string", ONE), (2, "datatype", "string", ONE), (3, "shape", "int64", REPEATED), (4, "parameters", "map", ONE),
                         (5, "contents", "InferTensorContents", ONE)],
    "InferRequestedOutputTensor": [(1, "name", "string", ONE), (2, "parameters", "map", ONE)],
    "ModelInferRequest": [(1, "model_name", "string", ONE), (2, "model_version", "string", ONE), (3, "id", "string", ONE), (4, "parameters", "map", ONE),
                          (5, "inputs", "InferInputTensor", REPEATED), (6, "outputs", "InferRequestedOutputTensor", REPEATED), (7, "raw_input_contents", "bytes", REPEATED)],
    "InferOutputTensor": [(1, "name", "string", ONE), (2, "datatype", "string", ONE), (3, "shape", "int64", REPEATED), (4, "parameters", "map", ONE),
                          (5, "contents", "InferTensorContents", ONE)],
    "ModelInferResponse": [(1, "model_name", "string", ONE), (2, "model_version", "string", ONE), (3, "id", "string", ONE), (4, "parameters", "map", ONE),
                           (5, "outputs", "InferOutputTensor", REPEATED), (6, "raw_output_contents", "bytes", REPEATED)],
}


def build():
    file = descriptor_pb2.FileDescriptorProto(name="published.proto", package="inference", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            made = message.field.add(name=field, number=number, label=F.LABEL_REPEATED if repeated or kind == "map" else F.LABEL_OPTIONAL)
            if kind == "map":
                entry = message.nested_type.add(name="ParametersEntry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_STRING)
                entry.field.add(name="value", number=2, label=F.LABEL_OPTIONAL, type=F.TYPE_MESSAGE, type_name=".inference.InferParameter")
                made.type, made.type_name = F.TYPE_MESSAGE, f".inference.{name}.ParametersEntry"
            elif kind in KINDS:
                made.type = KINDS[kind]
                if name == "InferParameter":
                    made.oneof_index = 0
            else:
                made.type, made.type_name = F.TYPE_MESSAGE, f".inference.{kind}"
        if name == "InferParameter":
            message.oneof_decl.add(name="parameter_choice")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    def of(name):
        descriptor = pool.FindMessageTypeByName(f"inference.{name}")
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(pool).GetPrototype(descriptor)

    return {name: of(name) for name in MESSAGES}


M = build()
Infer = M["ModelInferRequest"]
SOON = 30
BIG = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Client:
    def __init__(self, target):
        self.channel = grpc.insecure_channel(target, options=BIG)

    def __getattr__(self, name):
        call = self.channel.unary_unary(
            f"/inference.GRPCInferenceService/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=M.get(f"{name}Response", M["ModelInferResponse"]).FromString)
        return lambda message, **extra: call(message, **{"timeout": SOON, **extra})


client = Client(options.grpc)


def rest(path, body=None, headers=None):
    connection = http.client.HTTPConnection(options.rest, timeout=SOON)
    connection.request("POST" if body is not None else "GET", path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def rest_json(model, inputs):
    answer, data = rest(f"/v2/models/{model}/infer", json.dumps({"inputs": inputs}))
    assert answer.status == 200, data
    return json.loads(data)


def rest_binary(model, name, shape, datatype, raw):
    head = json.dumps({"parameters": {"binary_data_output": True}, "inputs": [
        {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    answer, data = rest(f"/v2/models/{model}/infer", head + raw, {"Inference-Header-Content-Length": str(len(head))})
    assert answer.status == 200, data
    return data[int(answer.headers["Inference-Header-Content-Length"]):]


def tensor(name, datatype, shape, **contents):
    made = M["InferInputTensor"](name=name, datatype=datatype, shape=shape)
    if contents:
        made.contents.CopyFrom(M["InferTensorContents"](**contents))
    return made


def refused(request, code, *words, call=None):
    try:
        (call or client.ModelInfer)(request)
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()}: {error.details()}"
        for word in words:
            assert word in error.details(), error.details()
        return error
    raise AssertionError(f"answered, expected {code}")


def health():
    assert client.ServerLive(M["ServerLiveRequest"]()).live
    assert client.ServerReady(M["ServerReadyRequest"]()).ready
    assert client.ModelReady(M["ModelReadyRequest"](name="add")).ready


def metadata():
    ours = client.ServerMetadata(M["ServerMetadataRequest"]())
    theirs = json.loads(rest("/v2")[1])
    assert (ours.name, ours.version, list(ours.extensions)) == (theirs["name"], theirs["version"], theirs["extensions"])
    for model in ("add", "sum", "fashion", "fp16"):
        ours = client.ModelMetadata(M["ModelMetadataRequest"](name=model))
        theirs = json.loads(rest(f"/v2/models/{model}")[1])
        assert (ours.name, list(ours.versions), ours.platform) == (theirs["name"], theirs["versions"], theirs["platform"])
        for mine, other in ((ours.inputs, theirs["inputs"]), (ours.outputs, theirs["outputs"])):
            assert [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in mine] == other


def real_model():
    pixels = array.array("f", [((i * 37) % 255) / 255 for i in range(28 * 28)]).tobytes()
    about = client.ModelMetadata(M["ModelMetadataRequest"](name="fashion"))
    name, shape = about.inputs[0].name, [abs(size) for size in about.inputs[0].shape]
    request = Infer(model_name="fashion", id="picture 1", inputs=[tensor(name, "FP32", shape)], raw_input_contents=[pixels])
    answer = client.ModelInfer(request)
    assert (answer.model_name, answer.id, answer.model_version) == ("fashion", "picture 1", about.versions[0])
    assert [output.name for output in answer.outputs] == [output.name for output in about.outputs]
    assert answer.raw_output_contents[0] == rest_binary("fashion", name, shape, "FP32", pixels)
    typed = client.ModelInfer(Infer(model_name="fashion", inputs=[tensor(name, "FP32", shape, fp32_contents=array.array("f", pixels))]))
    assert not typed.raw_output_contents
    assert struct.pack(f"<{len(typed.outputs[0].contents.fp32_contents)}f", *typed.outputs[0].contents.fp32_contents) == answer.raw_output_contents[0]


VALUES = {
    "BOOL": ("bool_contents", "?", [True, False, True]),
    "INT8": ("int_contents", "b", [-128, 0, 127]),
    "INT16": ("int_contents", "h", [-32768, -1, 32767]),
    "INT32": ("int_contents", "i", [-2**31, 7, 2**31 - 1]),
    "INT64": ("int64_contents", "q", [-2**63, 0, 2**63 - 1]),
    "UINT8": ("uint_contents", "B", [0, 128, 255]),
    "UINT16": ("uint_contents", "H", [0, 300, 65535]),
    "UINT32": ("uint_contents", "I", [0, 2**31, 2**32 - 1]),
    "UINT64": ("uint64_contents", "Q", [0, 2**63, 2**64 - 1]),
    "FP32": ("fp32_contents", "f", [0.5, -1.25, 1024.0]),
    "FP64": ("fp64_contents", "d", [0.1, -1e300, 5e-324]),
}


def datatypes():
    for datatype, (field, code, values) in VALUES.items():
        model, raw = datatype.lower(), struct.pack(f"<3{code}", *values)
        typed = client.ModelInfer(Infer(model_name=model, inputs=[tensor("x", datatype, [1, 3], **{field: values})]))
        assert list(getattr(typed.outputs[0].contents, field)) == values, (datatype, typed)
        assert (typed.outputs[0].datatype, list(typed.outputs[0].shape)) == (datatype, [1, 3])
        by_rest = rest_json(model, [{"name": "x", "shape": [1, 3], "datatype": datatype, "data": values}])
        assert by_rest["outputs"][0]["data"] == values, (datatype, by_rest)
        answer = client.ModelInfer(Infer(model_name=model, inputs=[tensor("x", datatype, [1, 3])], raw_input_contents=[raw]))
        assert answer.raw_output_contents[0] == raw == rest_binary(model, "x", [1, 3], datatype, raw), datatype
        assert not answer.outputs[0].HasField("contents"), datatype


def half_floats_are_raw():
    for datatype in ("FP16", "BF16"):
        raw = struct.pack("<3H", 0x3C00, 0x4000, 0xC200)
        answer = client.ModelInfer(Infer(model_name=datatype.lower(), inputs=[tensor("x", datatype, [1, 3])], raw_input_contents=[raw]))
        assert list(answer.raw_output_contents) == [raw]
        refused(Infer(model_name=datatype.lower(), inputs=[tensor("x", datatype, [1, 3], fp32_contents=[1, 2, 3])]),
                grpc.StatusCode.INVALID_ARGUMENT, "input 'x' is " + datatype, "raw_input_contents")


def two_inputs_in_any_order():
    a, b = struct.pack("<2f", 1, 2), struct.pack("<2f", 10, 20)
    answer = client.ModelInfer(Infer(
        model_name="sum", inputs=[tensor("b", "FP32", [1, 2]), tensor("a", "FP32", [1, 2])], raw_input_contents=[b, a],
        outputs=[M["InferRequestedOutputTensor"](name="y")]))
    assert struct.unpack("<2f", answer.raw_output_contents[0]) == (11, 22)


def unknown_parameters_are_ignored():
    parameter = M["InferParameter"]
    request = Infer(model_name="add", inputs=[tensor("x", "FP32", [1, 1], fp32_contents=[1])], outputs=[M["InferRequestedOutputTensor"](name="y")])
    request.parameters["priority"].CopyFrom(parameter(uint64_param=3))
    request.parameters["sequence_id"].CopyFrom(parameter(string_param="camera 4"))
    request.inputs[0].parameters["shared_memory_region"].CopyFrom(parameter(string_param="none"))
    request.outputs[0].parameters["classification"].CopyFrom(parameter(int64_param=3))
    assert client.ModelInfer(request).outputs[0].contents.fp32_contents[0] == 2


def versions():
    version = client.ModelMetadata(M["ModelMetadataRequest"](name="add")).versions[0]
    one = [tensor("x", "FP32", [1, 1], fp32_contents=[1])]
    for named in ("", version, version.split(":")[1]):
        assert client.ModelInfer(Infer(model_name="add", model_version=named, inputs=one)).model_version == version
        assert client.ModelReady(M["ModelReadyRequest"](name="add", version=named)).ready
    refused(Infer(model_name="add", model_version="7", inputs=one), grpc.StatusCode.NOT_FOUND, "no version '7'", version)
    refused(M["ModelReadyRequest"](name="add", version="7"), grpc.StatusCode.NOT_FOUND, "no version '7'", call=client.ModelReady)
    refused(M["ModelMetadataRequest"](name="add", version="7"), grpc.StatusCode.NOT_FOUND, "no version '7'", call=client.ModelMetadata)


def unknown_model():
    refused(Infer(model_name="nobody"), grpc.StatusCode.NOT_FOUND, "model 'nobody' is not served here")
    refused(M["ModelReadyRequest"](name="nobody"), grpc.StatusCode.NOT_FOUND, "model 'nobody'", call=client.ModelReady)
    refused(M["ModelMetadataRequest"](name="nobody"), grpc.StatusCode.NOT_FOUND, "model 'nobody'", call=client.ModelMetadata)
    refused(Infer(), grpc.StatusCode.NOT_FOUND, "model ''")


def bad_tensor():
    refused(Infer(model_name="add", inputs=[tensor("x", "FP32", [1, 2], fp32_contents=[1, 2])]),
            grpc.StatusCode.INVALID_ARGUMENT, "input 'x' has shape [1,2]; the model takes [-1,1]")


def too_large():
    refused(Infer(model_name="add", inputs=[tensor("x", "FP32", [1, 1])], raw_input_contents=[bytes(65 << 20)]),
            grpc.StatusCode.RESOURCE_EXHAUSTED, "exceeds the maximum of 67108864")
    assert client.ServerLive(M["ServerLiveRequest"]()).live


def large_message():
    values = array.array("f", range(5_000_000)).tobytes()
    answer = client.ModelInfer(Infer(model_name="wide", inputs=[tensor("x", "FP32", [1, 5_000_000])], raw_input_contents=[values]))
    assert answer.raw_output_contents[0] == values


def unimplemented():
    refused(Infer(), grpc.StatusCode.UNIMPLEMENTED, "ModelStreamInfer", call=client.ModelStreamInfer)


def compressed():
    refused(Infer(model_name="add"), grpc.StatusCode.UNIMPLEMENTED, "gzip",
            call=lambda message: client.ModelInfer(message, compression=grpc.Compression.Gzip))


def deadline_passed():
    # Twenty megabytes there and back take longer than a millisecond on any machine; a small call may be answered before the timer looks.
    refused(Infer(model_name="wide", inputs=[tensor("x", "FP32", [1, 5_000_000])], raw_input_contents=[bytes(20_000_000)]), grpc.StatusCode.DEADLINE_EXCEEDED,
            call=lambda message: client.ModelInfer(message, timeout=0.001))


def unix_socket():
    other = Client(f"unix:{options.unix}")
    assert other.ModelInfer(Infer(model_name="add", inputs=[tensor("x", "FP32", [1, 1], fp32_contents=[41])])).outputs[0].contents.fp32_contents[0] == 42


def many_at_once():
    def ask(i):
        return client.ModelInfer(Infer(model_name="add", id=str(i), inputs=[tensor("x", "FP32", [1, 1], fp32_contents=[i])]))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for i, answer in enumerate(pool.map(ask, range(300))):
            assert (answer.id, answer.outputs[0].contents.fp32_contents[0]) == (str(i), i + 1)


for check in (health, metadata, real_model, datatypes, half_floats_are_raw, two_inputs_in_any_order, unknown_parameters_are_ignored, versions,
              unknown_model, bad_tensor, too_large, large_message, unimplemented, compressed, deadline_passed, unix_socket, many_at_once):
    problem = None
    try:
        check()
    except Exception:
        problem = traceback.format_exc()
    print(json.dumps({"check": check.__name__, "problem": problem}), flush=True)
