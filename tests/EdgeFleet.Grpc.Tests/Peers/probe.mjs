// What server and client in JavaScript share: the service of probe.proto and the way certificates are laid out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export const { values: options } = parseArgs({
  options: { proto: { type: "string" }, tls: { type: "string" }, address: { type: "string" }, unix: { type: "string" }, port: { type: "string", default: "0" } },
});

// Fields keep the names of the .proto; absent messages stay null.
const definition = loadSync(options.proto, { keepCase: true, longs: Number, defaults: true });
export const Probe = grpc.loadPackageDefinition(definition).edgefleet.probe.Probe;

export const pem = (name) => readFileSync(join(options.tls, `${name}.pem`));
