import { Retry, Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

/** Causes more than twenty concurrent failures of every kind. An unhandled error ends the process with another code than 0. */
const [url = "", port = ""] = process.argv.slice(2);
const session = new Session({
  retry: new Retry({ total: 1 }),
  timeout: { connect: "300ms", read: "200ms", total: "3s" },
  ...protocolOptions,
});
const paths = [
  "/silence",
  "/reset",
  "/cut",
  "/endless-head",
  "/drip",
  "/switch",
  "/conflict",
  "/gzip",
  "/loop",
  "/huge",
];
const calls = paths.flatMap((path) => [
  session.get(url + path, { maxBytes: 100_000 }),
  session.post(url + path, {
    body: new Blob(["x".repeat(100_000)]),
    maxBytes: 100_000,
    signal: AbortSignal.timeout(150),
  }),
]);
calls.push(
  session.get(`http://127.0.0.1:${port}/`),
  session.get("http://nowhere.invalid/"),
  session.get(
    `${url.startsWith("https:") ? url.replace("https:", "http:") : url.replace("http:", "https:")}/`,
  ),
  session.get("ftp://127.0.0.1/"),
  session.get(`${url}/`, { headers: { "x-bad": "a\nb" } }),
  session.get(`${url}/`, { signal: AbortSignal.abort() }),
);
const abandoned = session.get(`${url}/silence`).catch(() => undefined);
const results = await Promise.allSettled(calls);
await session.close();
await abandoned;
const failed = results.filter(({ status }) => status === "rejected").length;
process.stdout.write(`${failed} of ${calls.length} failed\n`);
