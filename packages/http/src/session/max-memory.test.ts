import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { BodyBudget } from "../model/body-budget.ts";
import { Session } from "./session.ts";

const large = 8 * 2 ** 20;

suite("the memory of a session for bodies", () => {
  let server: Server;
  let url: string;
  let waiting = 0;
  let mostWaiting = 0;

  before(async () => {
    const packed = gzipSync(Buffer.alloc(large));
    server = createServer((request, response) => {
      if (request.url === "/packed")
        return response.writeHead(200, { "content-encoding": "gzip" }).end(packed);
      const body = Buffer.alloc(large, 1);
      waiting += 1;
      mostWaiting = Math.max(mostWaiting, waiting);
      response.on("close", () => (waiting -= 1));
      return response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  for (const path of ["/plain", "/packed"])
    test(
      `bodies that do not fit together arrive one after another: ${path}`,
      { timeout: 30_000 },
      async () => {
        await using session = new Session({ maxMemory: 2 ** 20 });
        const responses = await Promise.all(Array.from({ length: 6 }, () => session.get(url + path)));
        assert.deepEqual(
          responses.map(({ content }) => content.length),
          Array.from({ length: 6 }, () => large),
        );
      },
    );

  test("a body that waits for memory still ends at the deadline", { timeout: 30_000 }, async () => {
    await using session = new Session({ maxMemory: 1, retry: false });
    let drip: NodeJS.Timeout | undefined;
    const slow = createServer((_request, response) => {
      response.write("first");
      drip = setInterval(() => response.write("x"), 20);
    });
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const first = session
      .get(`http://127.0.0.1:${(slow.address() as AddressInfo).port}`, { timeout: "2s" })
      .catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const path of ["/plain", "/packed"])
      await assert.rejects(session.get(url + path, { timeout: "300ms" }), { name: "DeadlineExceededError" });
    assert.equal(((await first) as Error).name, "DeadlineExceededError");
    assert.equal((await session.get(`${url}/plain`)).content.length, large);
    clearInterval(drip);
    slow.closeAllConnections();
    slow.close();
  });
});

suite("BodyBudget", () => {
  test("gives the turn to one body, and then to the next", () => {
    const budget = new BodyBudget(100);
    const [first, second, third] = [budget.open(), budget.open(), budget.open()];
    assert.equal(first.add(60), true);
    assert.equal(second.add(60), true);
    assert.equal(first.add(60), false);
    assert.equal(third.add(60), false);
    const resumed: string[] = [];
    first.wait(() => resumed.push("first"));
    third.wait(() => resumed.push("third"));
    assert.equal(second.isOverdue(0), false);
    assert.equal(second.isOverdue(59_999), false);
    assert.equal(second.isOverdue(60_000), true);
    second.close();
    assert.deepEqual(resumed, ["first"]);
    first.close();
    assert.deepEqual(resumed, ["first", "third"]);
    third.close();
    assert.equal(budget.isUsedUp, false);
  });

  test("drops the part of a broken body when the memory is used up", () => {
    const budget = new BodyBudget(100);
    const share = budget.open();
    share.add(80);
    assert.equal(share.keep(80), true);
    share.add(80);
    assert.equal(share.keep(160), false);
    assert.equal(budget.isUsedUp, false);
  });
});
