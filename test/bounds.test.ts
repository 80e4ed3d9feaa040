import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, it } from "node:test";
import { digestAuth, HttpAdapter, Session } from "@holdfast/http";

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

/** The used memory of the heap and its buffers in MB, after a garbage collection. */
async function usedMemory(): Promise<number> {
  await new Promise((done) => setTimeout(done, 50));
  if (typeof collectGarbage === "function") Reflect.apply(collectGarbage, undefined, []);
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Starts a server that answers the `number`th request with a text. */
async function serve(
  answer: (number: number) => string,
): Promise<{ readonly port: number; readonly server: Server }> {
  let number = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => {
      number += 1;
      socket.write(answer(number), "latin1");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, server };
}

function reply(headers: string, status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: 2\r\n\r\nok`;
}

function list(count: number, item: (index: number) => string, separator: string): string {
  return Array.from({ length: count }, (_, index) => item(index)).join(separator);
}

const long = "b".repeat(200_000);
const spent =
  "X-RateLimit-Limit: 9\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 600\r\nX-RateLimit-Bucket:";

/** The responses of many hosts of one domain. What they make a session keep has a row in docs/reference/bounds.md. */
const attacks: readonly (readonly [what: string, answer: (number: number) => string])[] = [
  ["long names of buckets", () => reply(`${spent} ${long}\r\n`)],
  ["new names of buckets", (n) => reply(`${spent} ${"n".repeat(240)}${n}\r\n`)],
  ["40,000 limits", () => reply(`RateLimit: ${list(40_000, (index) => `a${index}`, ",")}\r\n`)],
  [
    "cookies for the domain",
    (n) =>
      reply(list(500, (index) => `Set-Cookie: c${n}-${index}=${"v".repeat(300)}; Domain=shop.test\r\n`, "")),
  ],
  ["cookies with many attributes", (n) => reply(`Set-Cookie: c${n}=1; ${"a; ".repeat(60_000)}\r\n`)],
  ["new names of fields", (n) => reply(list(2_000, (index) => `X-${n}-${index}: 1\r\n`, ""))],
  [
    "long challenges",
    () => reply(`WWW-Authenticate: Digest realm="${long}", nonce="n", qop="auth"\r\n`, "401 No"),
  ],
  ["long reason phrases", () => reply("", `404 ${long}`)],
];
const mostMegabytes = 4;

describe("what a server can make a session keep", () => {
  for (const [what, answer] of attacks)
    it(`stays within its bound: ${what} of 150 hosts`, async () => {
      const { port, server } = await serve(answer);
      const session = new Session({ retry: { total: 0 }, auth: digestAuth("u", "p") });
      const lookup = (): Promise<readonly string[]> => Promise.resolve(["127.0.0.1"]);
      session.mount("http://", new HttpAdapter({ lookup, maxIdleConnections: 0 }));
      const visit = async (from: number, to: number): Promise<void> => {
        for (let host = from; host < to; host += 1)
          await session.get(`http://h${host}.shop.test:${port}/`).catch(() => undefined);
      };
      await visit(0, 20);
      const before = await usedMemory();

      await visit(20, 170);

      const kept = (await usedMemory()) - before;
      assert.ok(kept < mostMegabytes, `${kept.toFixed(1)} MB were kept`);
      await session.close();
      server.close();
    });

  it("stays within its bound: URLs and records of redirects that grow", async () => {
    const { port, server } = await serve(() => reply(`Location: ${"d/".repeat(5_000)}x\r\n`, "302 Found"));
    const session = new Session({ retry: { total: 0 } });

    const response = await session.get(`http://127.0.0.1:${port}/`);

    assert.ok(response.url.length <= 65_536);
    assert.ok(JSON.stringify(response.attempts).length < 31 * 4_096);
    await session.close();
    server.close();
  });
});
