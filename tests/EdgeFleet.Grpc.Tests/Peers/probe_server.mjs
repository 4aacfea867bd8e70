// The probe on @grpc/grpc-js. Prints 'listening PORT' and serves until its standard input ends.
import grpc from "@grpc/grpc-js";
import { Probe, options, pem } from "./probe.mjs";

let cancellations = 0;
const waiting = [];

function watch(call) {
  call.on("cancelled", () => {
    cancellations++;
    waiting.filter(({ number }) => cancellations >= number).forEach(({ resolve }) => resolve());
  });
}

// Rejects with the status that was asked for; never settles where a hang was.
async function obey(wish) {
  if (wish?.hang) {
    await new Promise(() => {});
  }
  if (wish?.status) {
    throw { code: wish.status, details: wish.detail };
  }
}

function written(call, message) {
  return call.write(message) ? undefined : new Promise((resolve) => call.once("drain", resolve));
}

async function echo(call, answer) {
  watch(call);
  const echoed = new grpc.Metadata();
  for (const key of Object.keys(call.metadata.getMap()).filter((name) => name.startsWith("x-"))) {
    call.metadata.get(key).forEach((value) => echoed.add(key, value));
  }
  if (Object.keys(echoed.getMap()).length > 0) {
    call.sendMetadata(echoed);
  }
  try {
    await obey(call.request.wish);
    answer(null, call.request, echoed);
  } catch (status) {
    answer({ ...status, metadata: echoed });
  }
}

async function count(call) {
  watch(call);
  const payload = Buffer.alloc(call.request.wish?.reply_bytes ?? 0);
  for (let number = 0; number < call.request.number && !call.cancelled; number++) {
    await written(call, { number, payload });
  }
  try {
    await obey(call.request.wish);
    call.end();
  } catch (status) {
    call.emit("error", status);
  }
}

function sum(call, answer) {
  watch(call);
  let number = 0;
  let messages = 0;
  let stopAfter = 0;
  let over = false;
  const end = () => {
    if (!over) {
      over = true;
      answer(null, { number, text: String(messages) });
    }
  };
  call.on("data", (message) => {
    if (over) {
      return;
    }
    stopAfter ||= message.wish?.stop_after ?? 0;
    number += message.number;
    messages++;
    if (messages === stopAfter) {
      call.pause();
      end();
    }
  });
  call.on("end", end);
}

function chat(call) {
  watch(call);
  call.on("data", async (message) => {
    call.pause();
    await written(call, message);
    if (!message.wish) {
      call.resume();
      return;
    }
    try {
      await obey(message.wish);
      call.end();
    } catch (status) {
      call.emit("error", status);
    }
  });
  call.on("end", () => call.end());
}

function awaitCancellations(call, answer) {
  const { number } = call.request;
  new Promise((resolve) => (cancellations >= number ? resolve() : waiting.push({ number, resolve }))).then(() => answer(null, call.request));
}

const server = new grpc.Server();
server.addService(Probe.service, { Echo: echo, Count: count, Sum: sum, Chat: chat, AwaitCancellations: awaitCancellations });
const credentials = options.tls
  ? grpc.ServerCredentials.createSsl(pem("ca"), [{ private_key: pem("server-key"), cert_chain: pem("server") }], true)
  : grpc.ServerCredentials.createInsecure();
server.bindAsync(`127.0.0.1:${options.port}`, credentials, (error, port) => {
  if (error) {
    throw error;
  }
  console.log("listening", port);
});
process.stdin.on("end", () => process.exit(0)).resume();
