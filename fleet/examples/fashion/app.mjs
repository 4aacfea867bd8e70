#!/usr/bin/env node
// The application of the example: it sends Fashion-MNIST's held-out images to the runner on its device, over the Open
// Inference Protocol v2 with binary tensors, at a steady rate, and counts what comes back. It retries nothing: whatever the
// device does to its models, a request that fails is counted as failed.
//
//   node app.mjs --socket PATH [--model fashion] [--rate 20] [--counters FILE] [--images FILE --labels FILE]
//
// Each second, and when it is told to end, it appends one JSON line of counters. It needs Node.js and no package.

import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

const data = '/usr/share/datasets/fashion-mnist';
const { values: options } = parseArgs({
  options: {
    socket: { type: 'string' },
    model: { type: 'string', default: 'fashion' },
    rate: { type: 'string', default: '20' },
    counters: { type: 'string' },
    images: { type: 'string', default: `${data}/t10k-images-idx3-ubyte.gz` },
    labels: { type: 'string', default: `${data}/t10k-labels-idx1-ubyte.gz` },
  },
});
const rate = Number(options.rate);
if (!options.socket || !(rate > 0)) {
  console.error('usage: app.mjs --socket PATH [--model fashion] [--rate PER_SECOND] [--counters FILE]');
  process.exit(2);
}

// IDX: two zero bytes, the type (8: unsigned byte), the number of dimensions, then each dimension as a big-endian int32.
function readIdx(file) {
  let bytes;
  try {
    bytes = gunzipSync(readFileSync(file));
  } catch (error) {
    console.error(`${file}: ${error.message}. Debian's package dataset-fashion-mnist brings it.`);
    process.exit(3);
  }
  const dimensions = bytes[3];
  const shape = Array.from({ length: dimensions }, (_, i) => bytes.readInt32BE(4 + 4 * i));
  return { shape, values: bytes.subarray(4 + 4 * dimensions) };
}

const images = readIdx(options.images);
const labels = readIdx(options.labels).values;
const [count, height, width] = images.shape;
const pixels = height * width;

// One request's bytes, filled anew for each image: the JSON, then the pixels as the model takes them. What the input is
// called and which shape it has, the runner tells.
let head, body;
function prepare({ name, datatype, shape }) {
  head = Buffer.from(JSON.stringify({
    inputs: [{ name, shape: shape.map(size => size < 0 ? 1 : size), datatype, parameters: { binary_data_size: 4 * pixels } }],
    parameters: { binary_data_output: true },
  }));
  body = Buffer.alloc(head.length + 4 * pixels);
  head.copy(body);
}

function bodyOf(image) {
  for (let i = 0; i < pixels; i++) {
    body.writeFloatLE((images.values[image * pixels + i] / 255 - 0.286) / 0.353, head.length + 4 * i);
  }
  return Buffer.from(body);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const counters = { sent: 0, ok: 0, failed: 0, wrong: 0 };
const failures = {}; // the last failures by reason, for a person
let latencies = [];

function fail(reason) {
  counters.failed++;
  failures[reason] = (failures[reason] ?? 0) + 1;
}

function ask(image) {
  counters.sent++;
  const start = process.hrtime.bigint();
  const request = http.request({
    socketPath: options.socket,
    path: `/v2/models/${options.model}/infer`,
    method: 'POST',
    agent,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length, 'Inference-Header-Content-Length': head.length },
  }, response => {
    const pieces = [];
    response.on('data', piece => pieces.push(piece));
    response.on('error', error => fail(error.code ?? error.message));
    response.on('end', () => {
      const answer = Buffer.concat(pieces);
      if (response.statusCode !== 200) {
        fail(`${response.statusCode} ${answer.toString().slice(0, 200)}`);
        return;
      }
      latencies.push(Number(process.hrtime.bigint() - start) / 1000);
      counters.ok++;
      const json = Number(response.headers['inference-header-content-length']);
      let best = 0;
      for (let label = 1; json + 4 * label < answer.length; label++) {
        if (answer.readFloatLE(json + 4 * label) > answer.readFloatLE(json + 4 * best)) {
          best = label;
        }
      }
      counters.wrong += best === labels[image] ? 0 : 1;
    });
  });
  request.on('error', error => fail(error.code ?? error.message));
  request.end(bodyOf(image));
}

function report() {
  latencies.sort((a, b) => a - b);
  const at = share => latencies.length ? Math.round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))]) : null;
  const line = { time: new Date().toISOString(), ...counters, p50Micros: at(0.5), p99Micros: at(0.99), failures };
  latencies = [];
  if (options.counters) {
    appendFileSync(options.counters, JSON.stringify(line) + '\n');
  } else {
    console.log(JSON.stringify(line));
  }
}

// The application starts when its model does, as a person would start it: what it counts is what a working device does.
function whenReady(then) {
  const again = () => setTimeout(() => whenReady(then), 250);
  http.get({ socketPath: options.socket, path: `/v2/models/${options.model}` }, response => {
    const pieces = [];
    response.on('data', piece => pieces.push(piece));
    response.on('end', () => response.statusCode === 200 ? then(JSON.parse(Buffer.concat(pieces))) : again());
  }).on('error', again);
}

whenReady(metadata => {
  prepare(metadata.inputs[0]);
  // By the clock, not by the answers: a slow device does not make a slow application.
  const start = performance.now();
  let next = 0;
  setInterval(() => {
    for (const due = (performance.now() - start) / 1000 * rate; next < due; next++) {
      ask(next % count);
    }
  }, Math.max(1, Math.min(50, 1000 / rate)));
  setInterval(report, 1000);
});

function end() {
  report();
  process.exit(0);
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
