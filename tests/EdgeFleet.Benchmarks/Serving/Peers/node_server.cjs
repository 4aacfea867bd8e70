'use strict';
// What a standard server takes for the same request: Node's own HTTP server and ONNX Runtime's own package, one thread, no
// framework, and no more of the Open Inference Protocol than the benchmark asks. It checks nothing.
// node node_server.cjs SOCKET RUNTIME MODEL NAME: SOCKET to listen on, RUNTIME the folder of onnxruntime-node.
const http = require('node:http');

const [socket, runtime, model, name] = process.argv.slice(2);
const ort = require(runtime);
const options = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  extra: { session: { intra_op: { allow_spinning: '0' } } },
};

const HEADER_LENGTH = 'Inference-Header-Content-Length';

async function infer(session, body, headerLength) {
  const asked = JSON.parse(body.toString('utf8', 0, headerLength));
  const feeds = {};
  let at = headerLength;
  for (const input of asked.inputs) {
    const size = input.parameters.binary_data_size;
    const values = new Float32Array(size / 4);
    body.copy(Buffer.from(values.buffer), 0, at, at + size);
    feeds[input.name] = new ort.Tensor('float32', values, input.shape);
    at += size;
  }
  const results = await session.run(feeds);
  const outputs = [];
  const parts = [null];
  for (const output of session.outputNames) {
    const tensor = results[output];
    const bytes = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    outputs.push({ name: output, datatype: 'FP32', shape: tensor.dims, parameters: { binary_data_size: bytes.length } });
    parts.push(bytes);
  }
  const json = Buffer.from(JSON.stringify({ model_name: name, outputs }));
  parts[0] = json;
  return { json, answer: Buffer.concat(parts) };
}

ort.InferenceSession.create(model, options).then((session) => {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      infer(session, body, Number(request.headers[HEADER_LENGTH.toLowerCase()])).then(
        ({ json, answer }) => {
          response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': answer.length, [HEADER_LENGTH]: json.length });
          response.end(answer);
        },
        (error) => {
          const text = Buffer.from(String(error));
          response.writeHead(500, { 'Content-Length': text.length });
          response.end(text);
        });
    });
  });
  server.keepAliveTimeout = 0; // it waits while the others have their turns
  server.listen(socket, () => console.log('listening'));
});
