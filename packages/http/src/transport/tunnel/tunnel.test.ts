import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { systemClock } from "@holdfast/policy";
import fc from "fast-check";
import { ConnectionError, ProxyError } from "../../errors/transport-errors.ts";
import { openHttpTunnel } from "./http-connect.ts";
import { openSocks4Tunnel, openSocks5Tunnel, type SocksDialogue } from "./socks.ts";
import { tunnelTarget } from "../connect/proxy-connect.ts";

const credentials = { user: Buffer.from("ada"), password: Buffer.from("lace") };
const target = { host: "a.test", port: 443 };

function dialogueWith(options: Partial<SocksDialogue> = {}): SocksDialogue {
  return { proxy: "proxy.test:1080", signal: new AbortController().signal, target, credentials, ...options };
}

/** Returns a proxy that sends these pieces, whatever it receives, and then closes unless `stays` is set. */
function proxySending(pieces: readonly Uint8Array[], stays = false): Duplex {
  const left = [...pieces];
  return new Duplex({
    read() {
      // One piece per turn of the event loop.
      setImmediate(() => {
        const next = left.shift();
        if (next !== undefined) this.push(Buffer.from(next));
        else if (!stays) this.push(null);
      });
    },
    write: (_chunk, _encoding, done) => done(),
  });
}

const openTunnelWith = {
  socks5: (proxy: Duplex) => openSocks5Tunnel(proxy, dialogueWith()),
  socks4: (proxy: Duplex) => openSocks4Tunnel(proxy, dialogueWith()),
  connect: (proxy: Duplex) =>
    openHttpTunnel(proxy, { ...dialogueWith(), authority: "a.test:443", authorization: undefined }),
} as const;

const successReplies = {
  socks5: Buffer.from([5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 1, 31, 144]),
  socks4: Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]),
  connect: Buffer.from("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"),
} as const;

const kinds = ["socks5", "socks4", "connect"] as const;

function pieces(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % bytes.length))].toSorted((a, b) => a - b);
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index]));
}

for (const kind of kinds) {
  test(`${kind}: a success in any pieces opens the tunnel and leaves the bytes after it on the socket`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 8 }), async (cuts) => {
        const bytes = Buffer.concat([successReplies[kind], Buffer.from("the origin's")]);
        const proxy = proxySending(pieces(bytes, cuts));

        await openTunnelWith[kind](proxy);

        assert.equal(Buffer.concat(await proxy.toArray()).toString(), "the origin's");
      }),
      { numRuns: 60 },
    );
  });

  test(`${kind}: garbage ends in a ProxyError or a tunnel and never hangs`, async () => {
    const damaged = fc
      .tuple(fc.nat(60), fc.uint8Array({ maxLength: 20 }))
      .map(([at, noise]) =>
        Buffer.concat([successReplies[kind].subarray(0, at), noise, successReplies[kind].subarray(at + 1)]),
      );
    const bytes = fc.oneof(damaged, fc.uint8Array({ maxLength: 400 }));
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(400), { maxLength: 5 }), async (said, cuts) => {
        const proxy = proxySending(said.length === 0 ? [] : pieces(Buffer.from(said), cuts));

        const failure = await openTunnelWith[kind](proxy).then(
          () => undefined,
          (error: unknown) => error,
        );

        assert.ok(failure === undefined || (failure instanceof ProxyError && !failure.mayHaveArrived));
        proxy.destroy();
      }),
      { numRuns: 150 },
    );
  });

  test(`${kind}: a proxy that closes before it has received the target is at fault`, async () => {
    await assert.rejects(openTunnelWith[kind](proxySending([])), {
      code: "ERR_PROXY",
      reason: "closed",
      fault: kind === "socks5" ? "proxy" : "unknown",
    });
  });

  test(`${kind}: an abort rejects with its reason and destroys the socket`, async () => {
    const abort = new AbortController();
    const proxy = proxySending([], true);
    const line = dialogueWith({ signal: abort.signal });
    const talk =
      kind === "socks5"
        ? openSocks5Tunnel(proxy, line)
        : kind === "socks4"
          ? openSocks4Tunnel(proxy, line)
          : openHttpTunnel(proxy, { ...line, authority: "a.test:443", authorization: undefined });
    const reason = new Error("enough");

    abort.abort(reason);

    await assert.rejects(talk, reason);
    assert.ok(proxy.destroyed);
  });
}

const addresses =
  (...found: readonly string[]) =>
  (): Promise<readonly string[]> =>
    Promise.resolve(found);
const named = new URL("https://a.test/");
const told = [
  ["socks5h://p", named, [], "a.test", 443],
  ["socks4a://p", named, [], "a.test", 443],
  ["http://p", new URL("https://a.test:8443"), [], "a.test", 8_443],
  ["socks5://p", named, ["10.0.0.1"], "10.0.0.1", 443],
  ["socks5://p", named, ["fd00::1", "10.0.0.1"], "10.0.0.1", 443],
  ["socks5://p", named, ["fd00::1"], "fd00::1", 443],
  ["socks4://p", named, ["fd00::1", "10.0.0.1"], "10.0.0.1", 443],
  ["socks5://p", new URL("http://[::1]:8080"), [], "::1", 8_080],
  ["socks5h://p", new URL("http://127.0.0.1"), [], "127.0.0.1", 80],
] as const;

for (const [proxy, origin, found, host, port] of told) {
  test(`${proxy} receives the target ${host}:${port} for ${origin.origin}${found.length > 0 ? ` at ${found.join(" and ")}` : ""}`, async () => {
    assert.deepEqual(
      await tunnelTarget(new URL(proxy), origin, { lookup: addresses(...found), clock: systemClock }),
      {
        host,
        port,
      },
    );
  });
}

test("a name that this side cannot resolve is not the proxy's fault", async () => {
  const missing = (): Promise<never> => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }));

  await assert.rejects(
    tunnelTarget(new URL("socks5://p"), named, { lookup: missing, clock: systemClock }),
    ConnectionError,
  );
  await assert.rejects(
    tunnelTarget(new URL("socks4://p"), named, { lookup: addresses(), clock: systemClock }),
    ConnectionError,
  );
});

const unspeakable = [
  ["socks4://p", named, ["fd00::1"]],
  ["socks4a://p", new URL("http://[::1]"), []],
  ["socks5h://p", new URL(`http://${"a".repeat(63)}.${"b".repeat(200)}.test`), []],
] as const;

for (const [proxy, origin, found] of unspeakable) {
  test(`${proxy} rejects the target ${origin.hostname.slice(0, 20)}, ${found.length} addresses`, async () => {
    await assert.rejects(
      tunnelTarget(new URL(proxy), origin, { lookup: addresses(...found), clock: systemClock }),
      {
        code: "ERR_PROXY",
        reason: "unsupported",
      },
    );
  });
}
