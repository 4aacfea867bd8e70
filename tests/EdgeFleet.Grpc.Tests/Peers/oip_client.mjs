// An application in JavaScript whose client of the Open Inference Protocol is made from our .proto. Asks the model `sum` for
// a + b, raw and typed, and a model that is not there; prints one line of JSON.
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { values: options } = parseArgs({ options: { proto: { type: "string" }, address: { type: "string" } } });
const { GRPCInferenceService } = grpc.loadPackageDefinition(loadSync(options.proto, { keepCase: true, longs: Number, defaults: true })).inference;
const client = new GRPCInferenceService(options.address, grpc.credentials.createInsecure());
const ask = (method, request) => new Promise((resolve) =>
  client[method](request, { deadline: Date.now() + 30_000 }, (error, answer) => resolve(error ? { code: error.code, details: error.details } : answer)));

const floats = (...values) => Buffer.from(new Float32Array(values).buffer);
const input = (name, values) => ({ name, datatype: "FP32", shape: [1, 2], ...(values && { contents: { fp32_contents: values } }) });
const ready = await ask("ServerReady", {});
const raw = await ask("ModelInfer", { model_name: "sum", id: "7", inputs: [input("a"), input("b")], raw_input_contents: [floats(1, 2), floats(10, 20)] });
const typed = await ask("ModelInfer", { model_name: "sum", inputs: [input("b", [1, 2]), input("a", [10, 20])] });
const nobody = await ask("ModelInfer", { model_name: "nobody" });
console.log(JSON.stringify({
  ready: ready.ready,
  id: raw.id,
  raw: raw.raw_output_contents && [raw.raw_output_contents[0].readFloatLE(0), raw.raw_output_contents[0].readFloatLE(4)],
  typed: typed.outputs && typed.outputs[0].contents.fp32_contents,
  nobody: nobody.code,
}));
client.close();
