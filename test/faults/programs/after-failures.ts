import { Retry, Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

/** Causes a timeout, a reset, a cut body and an abort. The process must end, with and without a closed session. */
const [url = "", how] = process.argv.slice(2);
const session = new Session({
  retry: new Retry({ total: 1 }),
  timeout: { connect: "10s", read: "100ms", total: "60s" },
  ...protocolOptions,
});
const failures = ["/silence", "/reset", "/cut"].map((path) => session.get(url + path));
failures.push(session.get(`${url}/silence`, { timeout: { read: "60s" }, signal: AbortSignal.timeout(50) }));
const results = await Promise.allSettled(failures);
const last = await session.get(`${url}/`);
if (how === "close") await session.close();
const failed = results.filter(({ status }) => status === "rejected").length;
process.stdout.write(`${failed} failed, then ${last.status}, at ${Date.now()}\n`);
