// Requests of node:http in the ways in which programs use them. Prints one line of JSON.
import http from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";

const [url, refused] = process.argv.slice(2);

async function send(options, body) {
  const request = http.request(options);
  request.end(body);
  const [response] = await once(request, "response");
  return response;
}

async function errorOf(run) {
  return run().then(
    () => "none",
    (error) => error.code ?? error.name,
  );
}

const results = {};
const { hostname, port } = new URL(url);
const kept = await send({
  hostname,
  port,
  path: "/kept",
  agent: new http.Agent({ keepAlive: true }),
  headers: { Host: "name.test", "X-CamelCase": "1" },
});
results.kept = [kept.statusCode, kept.statusMessage, kept.headers["set-cookie"], await text(kept)];
const coded = await send(`${url}/gzip`);
results.gzip = [coded.headers["content-encoding"], (await text(coded.pipe(createGunzip()))).length];
const head = await send({ hostname, port, path: "/kept", method: "HEAD" });
results.head = [head.statusCode, head.headers["content-length"], await text(head)];
const chunked = http.request({ hostname, port, path: "/upload", method: "POST" });
chunked.write("abc");
chunked.end("def");
const [stored] = await once(chunked, "response");
results.upload = [stored.statusCode, await text(stored)];
results.refused = await errorOf(() => send(refused));
results.cut = await errorOf(async () => text(await send(`${url}/cut`)));
results.timeout = await errorOf(async () => {
  const request = http.get(`${url}/silent`, { timeout: 200 });
  request.on("timeout", () => request.destroy(Object.assign(new Error("late"), { code: "LATE" })));
  await once(request, "response");
});
results.abort = await errorOf(async () => {
  await once(http.get(`${url}/silent`, { signal: AbortSignal.timeout(100) }), "response");
});
class OtherAgent extends http.Agent {}
const other = await send({ hostname, port, path: "/other", agent: new OtherAgent() });
results.other = [other.statusCode, await text(other)];
console.log(JSON.stringify(results));
