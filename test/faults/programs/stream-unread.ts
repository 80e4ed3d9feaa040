import { Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

/** Requests bodies, drops them unread, prints when the garbage collector has released their connections, and ends. */
const [url = "", how = ""] = process.argv.slice(2);
const session = new Session({ timeout: { read: 200 }, ...protocolOptions });

async function ask(): Promise<void> {
  for (let call = 0; call < 6; call += 1) {
    const response = await session.get(url, { stream: true });
    if (call === 0) for await (const piece of response.body) if (piece.length > 0) break;
    if (call === 1) void response.readable();
    if (call === 2) void response.body[Symbol.asyncIterator]();
    if (call === 3) void response.body.getReader();
    if (call === 4) void response.body.tee();
  }
}

await ask();
if (how === "collect") {
  for (let round = 0; round < 20; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.stdout.write(
    `open: ${process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length}\n`,
  );
}
process.stdout.write(`done at ${Date.now()}\n`);
