import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultOrigin, FaultOriginOptions, Routes } from "../index.ts";
import {
  delayAccept,
  accept,
  closeOnAccept,
  closeWhenIdle,
  cutHandshake,
  echo,
  faultOrigin,
  informational,
  reset,
  resetOnAccept,
  resetOnNextByte,
  resetOnNextRequest,
  resetWhenIdle,
  respond,
  silence,
  silentOnAccept,
  timeoutWhenIdle,
  tunnel,
  withoutReading,
} from "../index.ts";
import type { WireClient } from "../wire/wire-client.ts";
import { exchangeOnce, wireClient } from "../wire/wire-client.ts";

const hello = respond(200, { body: "hello" });

async function play(
  options: FaultOriginOptions,
  act: (origin: FaultOrigin, client: WireClient) => Promise<void>,
): Promise<void> {
  const origin = await faultOrigin(options);
  const client = await wireClient(origin.port);
  try {
    await act(origin, client);
  } finally {
    client.socket.destroy();
    await origin.close();
  }
}

function statuses(text: string): readonly string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = ""]) => status);
}

test("plays one entry of a script per attempt, for any method, and repeats the last", async () => {
  const routes = { "/flaky": [respond(503), respond(502, { body: "x" }), hello], "/other": respond(204) };
  await play({ routes }, async (origin, client) => {
    for (const method of ["GET", "PUT", "GET", "GET"]) {
      client.send(`${method} /flaky?n=1 HTTP/1.1\r\n\r\n`);
      await client.until("\r\n\r\n");
      await sleep(5);
    }
    client.get("/other");
    await client.until("204");

    assert.deepEqual(statuses(client.text()), ["503", "502", "200", "200", "204"]);
    assert.equal(origin.attempts("/flaky"), 4);
    assert.equal(origin.attempts("/unasked"), 0);
    const starts = origin.requests.filter(({ path }) => path === "/flaky").map(({ startedAt }) => startedAt);
    const apart = starts.slice(1).map((at, index) => at - Number(starts[index]));
    assert.deepEqual(origin.gaps("/flaky"), apart);
    assert.equal(origin.connections, 1);
  });
});

test("records a request as it was sent", async () => {
  const routes: Routes = { "/a": hello };
  await play({ routes }, async (origin, client) => {
    client.send("POST http://host.test/a?b=c HTTP/1.1\r\nX-One: 1\r\nx-one:2\r\nContent-Length: 5\r\n\r\nab");
    while (origin.requests.length === 0) await sleep(1);
    await sleep(5);
    client.send("cde");
    await client.until("hello");

    const [request] = origin.requests;
    assert.ok(request);
    const { startedAt, endedAt, ...rest } = request;
    assert.deepEqual(rest, {
      method: "POST",
      target: "http://host.test/a?b=c",
      path: "/a",
      httpVersion: "1.1",
      headerLines: [
        ["X-One", "1"],
        ["x-one", "2"],
        ["Content-Length", "5"],
      ],
      headers: { "x-one": "1, 2", "content-length": "5" },
      body: Buffer.from("abcde"),
      bodyComplete: true,
      connection: 1,
      attempt: 1,
    });
    assert.ok(Math.abs(startedAt - Date.now()) < 5_000);
    assert.ok(endedAt !== undefined && endedAt >= startedAt + 4);
  });
});

test("decodes a chunked request body, however it is split into packets", async () => {
  await play({ routes: { "/": echo() } }, async (_, client) => {
    const request =
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n06\r\n world\r\n0\r\nT: 1\r\n\r\n";
    for (const character of request + request) client.send(character);
    await client.until('"attempt":2');

    assert.equal(client.text().match(/"body":"hello world"/g)?.length, 2);
  });
});

test("records an interrupted request body as incomplete", async () => {
  await play({ routes: { "/": hello } }, async (origin, client) => {
    client.send("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    await sleep(20);
    client.socket.resetAndDestroy();
    await sleep(50);

    assert.equal(origin.requests[0]?.body.toString(), "abc");
    assert.equal(origin.requests[0]?.bodyComplete, false);
    assert.equal(origin.openConnections, 0);
  });
});

test("sends 100 Continue to a client that expects it", async () => {
  await play({ routes: { "/": hello } }, async (origin, client) => {
    client.send("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await client.until("100 Continue\r\n\r\n");
    client.send("ab");
    await client.until("hello");

    assert.equal(origin.requests[0]?.body.toString(), "ab");
  });
});

test("can reply before the body is read, and then ends the connection", async () => {
  await play(
    { routes: { "/none": withoutReading(hello), "/some": withoutReading(hello, 3) } },
    async (origin, client) => {
      client.send("PUT /some HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nabcdef");
      await client.until("hello");

      assert.equal(await client.ending(), "fin");
      assert.equal(origin.requests[0]?.body.toString(), "abc");
      assert.equal((await exchangeOnce(origin.port, "/none")).end, "open");
    },
  );
});

test("leaves an unread body in the peer's send buffer", async () => {
  const upload = (path: string): string =>
    `PUT ${path} HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n${"x".repeat(20_000_000)}`;
  await play(
    { routes: { "/read": silence(), "/never": withoutReading(silence()) } },
    async (origin, client) => {
      client.send(upload("/read"));
      await once(client.socket, "drain");
      const other = await wireClient(origin.port);
      other.send(upload("/never"));
      await sleep(300);

      assert.ok(other.socket.writableLength > 0);
      assert.equal(origin.openConnections, 2);
      other.socket.destroy();
    },
  );
});

test("sends only the head for HEAD", async () => {
  await play(
    { routes: { "/": respond(200, { headers: { "content-length": "1000000" }, body: "x" }) } },
    async (_, client) => {
      client.send("HEAD / HTTP/1.1\r\n\r\n");
      await client.until("\r\n\r\n");
      client.send("HEAD / HTTP/1.1\r\n\r\n");

      assert.equal(await client.ending(100), "open");
      assert.equal(client.text(), "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".repeat(2));
    },
  );
});

test("closes the connection when the client asks for it", async () => {
  for (const head of ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]) {
    await play({ routes: { "/": hello } }, async (_, client) => {
      client.send(head);
      assert.equal(await client.ending(), "fin");
      assert.match(client.text(), /hello$/);
    });
  }
});

test("replies 400 to bytes that are not HTTP", async () => {
  for (const nonsense of ["\x16\x03\x01\x02\x00", "GET /\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"]) {
    await play({}, async (origin, client) => {
      client.send(nonsense);
      assert.equal(await client.ending(), "fin");
      assert.deepEqual(statuses(client.text()), ["400"]);
      assert.equal(origin.requests.length, 0);
    });
  }
});

test("replies 500 and keeps the error when a responder throws", async () => {
  const routes: Routes = {
    "/throws": () => {
      throw new Error("my mistake");
    },
    "/http2": [[{ resetStream: 1 }]],
  };
  await play({ routes }, async (origin) => {
    assert.match((await exchangeOnce(origin.port, "/throws")).text, /^HTTP\/1.1 500 .*my mistake/s);
    assert.match((await exchangeOnce(origin.port, "/http2")).text, /^HTTP\/1.1 500 .*HTTP\/2/s);
    assert.equal(origin.errors.length, 2);
  });
});

test("closeWhenIdle closes an idle connection, and an earlier request postpones the close", async () => {
  await play({ routes: { "/": [[...hello, ...closeWhenIdle(400)]] } }, async (_, client) => {
    for (const _request of [1, 2, 3]) {
      client.get("/");
      await sleep(150);
    }
    assert.equal(await client.ending(), "fin");
    assert.deepEqual(statuses(client.text()), ["200", "200", "200"]);
  });
});

test("resetWhenIdle resets an idle connection", async () => {
  await play({ routes: { "/": [[...hello, ...resetWhenIdle(20)]] } }, async (_, client) => {
    client.get("/");
    assert.equal(await client.ending(), "rst");
    assert.match(client.text(), /hello$/);
  });
});

test("timeoutWhenIdle sends a 408 without a request and closes", async () => {
  await play({ routes: { "/": [[...hello, ...timeoutWhenIdle(20)]] } }, async (origin, client) => {
    client.get("/");
    assert.equal(await client.ending(), "fin");
    assert.deepEqual(statuses(client.text()), ["200", "408"]);
    assert.equal(origin.requests.length, 1);
  });
});

test("resetOnNextRequest reads and records the next request, and resets", async () => {
  const routes = { "/": [[...hello, ...resetOnNextRequest()], hello] };
  await play({ routes }, async (origin, client) => {
    client.get("/");
    await client.until("hello");
    client.send("POST /pay HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");

    assert.equal(await client.ending(), "rst");
    assert.deepEqual(
      origin.requests.map(({ path, body }) => [path, body.toString()]),
      [
        ["/", ""],
        ["/pay", "abc"],
      ],
    );
  });
});

test("resetOnNextByte resets before the next request is read", async () => {
  await play({ routes: { "/": [[...hello, ...resetOnNextByte()]] } }, async (origin, client) => {
    client.get("/");
    await client.until("hello");
    await sleep(20);
    client.get("/again");

    assert.equal(await client.ending(), "rst");
    assert.equal(origin.requests.length, 1);
  });
});

test("onConnection plays one entry per connection and repeats the last", async (t) => {
  const onConnection = [
    resetOnAccept(),
    closeOnAccept(),
    silentOnAccept(),
    cutHandshake(),
    delayAccept(50),
    accept(),
  ];
  const origin = await faultOrigin({ routes: { "/": hello }, onConnection });
  t.after(() => origin.close());

  const seen: string[] = [];
  for (const _connection of [1, 2, 3, 4, 5, 6, 7]) {
    const { text, end } = await exchangeOnce(origin.port, "/", 150);
    seen.push(text === "" ? end : text.slice(-5));
  }

  await origin.close();
  assert.deepEqual(seen, ["rst", "fin", "open", "rst", "hello", "hello", "hello"]);
  assert.equal(origin.connections, 7);
  assert.equal(origin.requests.length, 3);
});

test("serves bytes that arrived while a connection waited", async () => {
  await play({ routes: { "/": hello }, onConnection: [{ peek: true }, { wait: 20 }] }, async (_, client) => {
    client.get("/");
    await client.until("hello");
    assert.equal(client.text().length, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".length);
  });
});

test("tunnel joins the client to another origin", async (t) => {
  const far = await faultOrigin({ routes: { "/": hello } });
  t.after(() => far.close());
  const routes: Routes = { "far.test:80": tunnel({ host: "127.0.0.1", port: far.port }) };
  await play({ routes }, async (origin, client) => {
    client.send("CONNECT far.test:80 HTTP/1.1\r\nHost: far.test:80\r\n\r\n");
    await client.until("Connection Established\r\n\r\n");
    client.get("/");
    await client.until("hello");

    assert.equal(far.attempts("/"), 1);
    assert.equal(origin.attempts("far.test:80"), 1);
  });
  await far.close();
});

test("sends any number of interim responses", async () => {
  const reply = [...informational(100), ...informational(102), ...hello];
  await play({ routes: { "/": reply } }, async (_, client) => {
    client.get("/");
    await client.until("hello");
    assert.deepEqual(statuses(client.text()), ["100", "102", "200"]);
  });
});

test("drops old requests beyond maxRecorded and still counts them", async () => {
  await play({ routes: { "/": hello }, maxRecorded: 2 }, async (origin, client) => {
    for (const number of [1, 2, 3]) {
      client.get("/");
      while (statuses(client.text()).length < number) await sleep(1);
    }
    assert.deepEqual(
      origin.requests.map(({ attempt }) => attempt),
      [2, 3],
    );
    assert.equal(origin.attempts("/"), 3);
  });
});

test("close ends every connection in any state", async (t) => {
  const origin = await faultOrigin({
    routes: { "/silent": silence(), "/idle": hello, "/slow": [[{ wait: 60_000 }]] },
  });
  t.after(() => origin.close());
  const clients = await Promise.all(
    ["/silent", "/idle", "/slow"].map(async (path) => {
      const client = await wireClient(origin.port);
      client.get(path);
      return client;
    }),
  );
  await sleep(20);

  await origin.close();

  for (const client of clients) assert.notEqual(await client.ending(), "open");
  assert.equal(origin.openConnections, 0);
});

test("a process exits on its own after close", async () => {
  const url = new URL("../index.ts", import.meta.url).href;
  const program = `
    const { faultOrigin, silence, reset, selfSigned, blackhole, refusedPort } = await import(${JSON.stringify(url)});
    const origin = await faultOrigin({ routes: { "/silent": silence(), "/reset": reset() } });
    const secure = await faultOrigin({ tls: selfSigned(), http2: true });
    const hole = await blackhole();
    await refusedPort();
    const silent = fetch(origin.url + "/silent").catch(() => {});
    await fetch(origin.url + "/reset").catch(() => {});
    await Promise.all([origin.close(), secure.close(), hole.close()]);
    await silent;
  `;
  const child = spawn(process.execPath, ["--conditions=source", "--input-type=module", "-e", program], {
    stdio: "inherit",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);

  const [code]: unknown[] = await once(child, "exit");

  clearTimeout(timer);
  assert.equal(code, 0);
});

test("releases the connection of a killed client", async (t) => {
  const origin = await faultOrigin({ routes: { "/silent": silence(), "/ok": hello, "/reset": reset() } });
  t.after(() => origin.close());
  const program = `fetch("${origin.url}/silent"); fetch("${origin.url}/ok").then((r) => r.text()); setTimeout(() => {}, 60_000)`;
  const child = spawn(process.execPath, ["-e", program]);
  while (origin.requests.length < 2) await sleep(5);

  child.kill("SIGKILL");
  await once(child, "exit");
  await sleep(50);

  assert.equal(origin.openConnections, 0);
  await origin.close();
});
