import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { digestAuth, Session } from "@holdfast/http";

interface RawServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves each request head, in Latin-1, with the bytes that `reply` returns. */
async function rawServer(reply: (head: string) => Buffer): Promise<RawServer> {
  const server = createServer((socket) => {
    let head = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      head += bytes.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.end(reply(head));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

function md5(...parts: readonly (string | Buffer)[]): string {
  const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
  return createHash("md5").update(Buffer.concat(bytes)).digest("hex");
}

for (const encoding of ["latin1", "utf8"] as const) {
  test(`digestAuth gets in where the realm is in ${encoding}, behind a token of Negotiate`, async () => {
    const realm = Buffer.from("zone privée", encoding);
    const [user, password] = ["Ondřej", "heslíčko"];
    await using server = await rawServer((head) => {
      const field = (name: string): string => new RegExp(`${name}="?([^",]*)`).exec(head)?.[1] ?? "";
      const secret = md5(user, ":", realm, ":", password);
      const proof = md5(`${secret}:n1:${field("nc")}:${field("cnonce")}:auth:${md5("GET:/")}`);
      if (field("response") === proof && field("realm") === realm.toString("latin1"))
        return Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      return Buffer.concat([
        Buffer.from(
          'HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Negotiate oYG2MIGz==, Digest realm="',
        ),
        realm,
        Buffer.from('", nonce="n1", qop="auth", charset=UTF-8\r\n\r\n'),
      ]);
    });
    await using session = new Session({ auth: digestAuth(user, password), timeout: { total: "5s" } });

    const { status } = await session.get(server.url);

    assert.equal(status, 200);
  });
}

for (const types of [
  ["text/html", "text/html; charset=windows-1251"],
  ["text/html; charset=windows-1251", "text/html"],
  ["text/html; charset=windows-1251, text/html"],
  ["text/html; charset=windows-1251", "*/*", "nonsense"],
]) {
  test(`text() reads the charset of Content-Type: ${types.join(" and ")}`, async () => {
    const lines = types.map((type) => `Content-Type: ${type}\r\n`).join("");
    await using server = await rawServer(() =>
      Buffer.from(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 6\r\n\r\n\xcf\xf0\xe8\xe2\xe5\xf2`, "latin1"),
    );
    await using session = new Session({ timeout: { total: "5s" } });

    const whole = await session.get(server.url);
    const streamed = await session.get(server.url, { stream: true });

    assert.deepEqual([await whole.text(), await streamed.text()], ["Привет", "Привет"]);
  });
}
