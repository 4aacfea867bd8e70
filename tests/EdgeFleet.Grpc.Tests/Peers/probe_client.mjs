// Checks a probe server with @grpc/grpc-js. Prints one line of JSON per check.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { Probe, options, pem } from "./probe.mjs";

const soon = () => ({ deadline: Date.now() + 30_000 });

function connect(extra = {}) {
  const credentials = options.tls
    ? grpc.credentials.createSsl(pem("ca"), pem("device-7-key"), pem("device-7"))
    : grpc.credentials.createInsecure();
  return new Probe(options.address, credentials, { "grpc.max_receive_message_length": 16 << 20, ...extra });
}

function unaryCall(client, method, message, metadata = new grpc.Metadata(), callOptions = soon()) {
  const seen = {};
  return new Promise((resolve, reject) => {
    const call = client[method](message, metadata, callOptions, (error, answer) => {
      seen.answer = answer;
      // The trailers come with the status event, which follows the answer.
      error ? reject(error) : seen.trailers ? resolve(seen) : call.once("status", (status) => resolve({ ...seen, trailers: status.metadata }));
    });
    call.on("metadata", (headers) => (seen.headers = headers));
    call.on("status", (status) => (seen.trailers = status.metadata));
  });
}

async function readAll(stream, into = []) {
  for await (const message of stream) {
    into.push(message);
  }
  return into;
}

const fails = (code, promise, detail) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    if (detail !== undefined) {
      assert.equal(error.details, detail);
    }
    return true;
  });

const written = (call, message) => new Promise((resolve) => call.write(message, resolve));

const checks = {
  async cancellation_is_seen(client) {
    const started = new grpc.Metadata();
    started.add("x-started", "yes");
    const unary = client.Echo({ wish: { hang: true } }, started, () => {});
    await once(unary, "metadata");
    unary.cancel();
    const stream = client.Count({ number: 1, wish: { hang: true } });
    stream.on("error", () => {});
    await once(stream, "data");
    stream.cancel();
    const chat = client.Chat();
    chat.on("error", () => {});
    // Node half-closes a stream before it resets it, so the method has to be waiting for more than the next message.
    chat.write({ number: 1, wish: { hang: true } });
    await once(chat, "data");
    chat.cancel();
    await unaryCall(client, "AwaitCancellations", { number: 3 });
  },

  async unary(client) {
    const { answer } = await unaryCall(client, "Echo", { text: "grüß", payload: Buffer.from([0, 255]), number: -5 });
    assert.equal(answer.text, "grüß");
    assert.deepEqual([...answer.payload], [0, 255]);
    assert.equal(answer.number, -5);
  },

  async metadata(client) {
    const sent = new grpc.Metadata();
    sent.add("x-text", "plain, with commas");
    sent.add("x-raw-bin", Buffer.from([0, 255, 44]));
    sent.add("x-many-bin", Buffer.from([1]));
    sent.add("x-many-bin", Buffer.from([2, 3]));
    const { headers, trailers } = await unaryCall(client, "Echo", {}, sent);
    for (const received of [headers, trailers]) {
      assert.deepEqual(received.get("x-text"), ["plain, with commas"]);
      assert.deepEqual(received.get("x-raw-bin").map((value) => [...value]), [[0, 255, 44]]);
      assert.deepEqual(received.get("x-many-bin").map((value) => [...value]), [[1], [2, 3]]);
    }
  },

  async status_text(client) {
    const detail = "100 % of 'grüß'\n🐑";
    await fails(grpc.status.FAILED_PRECONDITION, unaryCall(client, "Echo", { wish: { status: 9, detail } }), detail);
  },

  async unimplemented(client) {
    await fails(grpc.status.UNIMPLEMENTED, unaryCall(client, "Missing", {}));
  },

  async server_stream(client) {
    const messages = await readAll(client.Count({ number: 500, wish: { reply_bytes: 1000 } }, soon()));
    assert.deepEqual(messages.map(({ number }) => number), [...Array(500).keys()]);
    assert.ok(messages.every(({ payload }) => payload.length === 1000));
  },

  async server_stream_status(client) {
    const messages = [];
    await fails(grpc.status.DATA_LOSS, readAll(client.Count({ number: 3, wish: { status: 15, detail: "lost" } }, soon()), messages), "lost");
    assert.deepEqual(messages.map(({ number }) => number), [0, 1, 2]);
  },

  async client_stream(client) {
    const answer = await new Promise((resolve, reject) => {
      const call = client.Sum(soon(), (error, message) => (error ? reject(error) : resolve(message)));
      for (let number = 1; number <= 100; number++) {
        call.write({ number });
      }
      call.end();
    });
    assert.equal(answer.number, 5050);
    assert.equal(answer.text, "100");
  },

  async client_stream_ended_early(client) {
    const answer = await new Promise((resolve, reject) => {
      const call = client.Sum(soon(), (error, message) => (error ? reject(error) : resolve(message)));
      call.on("error", () => {});
      for (let i = 0; i < 20; i++) {
        call.write({ number: 1, payload: Buffer.alloc(1_000_000), wish: { stop_after: 2 } });
      }
    });
    assert.equal(answer.number, 2);
  },

  async duplex_lockstep(client) {
    const call = client.Chat(soon());
    for (let number = 0; number < 50; number++) {
      call.write({ number });
      const [message] = await once(call, "data");
      assert.equal(message.number, number);
    }
    call.end();
    await once(call, "end");
  },

  async deadline(client) {
    const short = () => ({ deadline: Date.now() + 200 });
    await fails(grpc.status.DEADLINE_EXCEEDED, unaryCall(client, "Echo", { wish: { hang: true } }, new grpc.Metadata(), short()));
    await fails(grpc.status.DEADLINE_EXCEEDED, readAll(client.Count({ number: 2, wish: { hang: true } }, short())));
  },

  async over_cap(client) {
    await fails(grpc.status.RESOURCE_EXHAUSTED, unaryCall(client, "Echo", { payload: Buffer.alloc(5 << 20) }));
    await fails(grpc.status.RESOURCE_EXHAUSTED, readAll(client.Count({ number: 1, wish: { reply_bytes: 5 << 20 } }, soon())));
  },

  async large_message(client) {
    const payload = Buffer.alloc(3_990_000, Buffer.from([...Array(256).keys()]));
    const { answer } = await unaryCall(client, "Echo", { payload });
    assert.ok(payload.equals(answer.payload));
  },

  async large_upload(client) {
    let resolve, reject;
    const answered = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
    const call = client.Sum(soon(), (error, message) => (error ? reject(error) : resolve(message)));
    for (let i = 0; i < 640; i++) {
      await written(call, { number: 1, payload: Buffer.alloc(64 << 10) });
    }
    call.end();
    assert.equal((await answered).number, 640);
  },

  async compressed_is_refused() {
    const client = connect({ "grpc.default_compression_algorithm": 2 });
    await fails(grpc.status.UNIMPLEMENTED, unaryCall(client, "Echo", { payload: Buffer.alloc(10_000) }));
    client.close();
  },

  async idle_with_pings() {
    const client = connect({ "grpc.keepalive_time_ms": 1000, "grpc.keepalive_timeout_ms": 1000 });
    const call = client.Chat();
    call.write({ number: 1 });
    assert.equal((await once(call, "data"))[0].number, 1);
    await delay(3000);
    call.write({ number: 2 });
    assert.equal((await once(call, "data"))[0].number, 2);
    call.end();
    await once(call, "end");
    client.close();
  },

  async unix_socket() {
    const client = new Probe(`unix:${options.unix}`, grpc.credentials.createInsecure());
    const { answer } = await unaryCall(client, "Echo", { text: "over a file" });
    assert.equal(answer.text, "over a file");
    client.close();
  },

  async many_calls_at_once(client) {
    const numbers = [...Array(300).keys()];
    const answers = await Promise.all(numbers.map((number) => unaryCall(client, "Echo", { number })));
    assert.deepEqual(answers.map(({ answer }) => answer.number), numbers);
  },

  async goodbye_of_the_server(client) {
    const chat = client.Chat(soon());
    chat.write({ number: 1 });
    assert.equal((await once(chat, "data"))[0].number, 1);
    await unaryCall(client, "Echo", { wish: { goodbye: true } });
    const { answer } = await unaryCall(client, "Echo", { number: 7 });
    assert.equal(answer.number, 7);
    chat.write({ number: 2 });
    assert.equal((await once(chat, "data"))[0].number, 2);
    chat.end();
    await once(chat, "end");
  },

  async connection_cut(client) {
    await fails(grpc.status.UNAVAILABLE, unaryCall(client, "Echo", { wish: { cut: true } }));
    const { answer } = await unaryCall(client, "Echo", { number: 8 });
    assert.equal(answer.number, 8);
  },
};

// Cancellation comes first: it counts on nothing having been cancelled before.
const connected = connect();
for (const [check, run] of Object.entries(checks)) {
  let problem = null;
  try {
    await run(connected);
  } catch (error) {
    problem = error.stack ?? String(error);
  }
  console.log(JSON.stringify({ check, problem }));
}
connected.close();
