import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { retryBudget } from "@holdfast/policy";
import { fakeClock } from "@holdfast/policy/testing";
import fc from "fast-check";
import type { Adapter } from "../adapter/adapter.ts";
import type { BodySource } from "../model/body-source.ts";
import { attachPartialBody } from "../model/partial-body.ts";
import { IncompleteBodyError } from "../errors/transport-errors.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import { Retry } from "../retry/retry.ts";
import { Session } from "../session/session.ts";
import { StreamedResponse } from "../model/streamed-response.ts";

/** Two versions of one resource with the same length that differ in every byte. */
const versions = [
  { tag: '"one"', bytes: Buffer.from("abcdefghijklmnopqrstuvwxyz") },
  { tag: '"two"', bytes: Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ") },
] as const;

type Name =
  | "right"
  | "whole"
  | "other"
  | "no-tag"
  | "412"
  | "416"
  | "lying-start"
  | "lying-total"
  | "weak"
  | "503"
  | "short"
  | "encoded";

/** The behaviour of the server for one request. */
interface Behaviour {
  readonly version: 0 | 1;
  readonly as: Name;
  /** Number of bytes after which the body is cut; Infinity for a complete body. */
  readonly cut: number;
  readonly chunked: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** A server that may send any wrong response, except one strong tag for two versions. */
function answerTo({ headers }: HttpRequest, { version, as, chunked }: Behaviour): Answer {
  const { bytes } = versions[version];
  // A weak tag does not distinguish the versions.
  const tag = as === "weak" ? 'W/"same"' : versions[version].tag;
  const from = Number(/^bytes=(\d+)-$/.exec(String(headers["range"]))?.[1] ?? NaN);
  const total = bytes.length;
  const length = (body: Buffer): Record<string, string> =>
    chunked ? { "transfer-encoding": "chunked" } : { "content-length": String(body.length) };
  const whole = { status: 200, headers: { etag: tag, ...length(bytes) }, body: bytes };
  if (as === "503") return { status: 503, headers: {}, body: Buffer.alloc(0) };
  if (Number.isNaN(from) || as === "whole") return whole;
  if (as === "412") return { status: 412, headers: { etag: tag }, body: Buffer.alloc(0) };
  if (as === "416" || from >= total)
    return {
      status: 416,
      headers: { etag: tag, "content-range": `bytes */${total}` },
      body: Buffer.alloc(0),
    };
  if (as === "right" && headers["if-range"] !== tag) return whole;
  return partial({ as, tag, bytes, from }, length);
}

function partial(
  {
    as,
    tag,
    bytes,
    from,
  }: { readonly as: Name; readonly tag: string; readonly bytes: Buffer; readonly from: number },
  length: (body: Buffer) => Record<string, string>,
): Answer {
  const total = bytes.length;
  const start = as === "lying-start" ? Math.max(0, from - 1) : from;
  const body = as === "short" ? bytes.subarray(start, -1) : bytes.subarray(start);
  const range = `bytes ${start}-${total - 1}/${as === "lying-total" ? total + 1 : total}`;
  return {
    status: 206,
    headers: {
      ...(as === "no-tag" ? {} : { etag: tag }),
      ...(as === "encoded" && { "content-encoding": "unknown" }),
      "content-range": range,
      ...length(body),
    },
    body,
  };
}

/** Returns an adapter to such a server, for whole bodies or streams. */
function adapterOf(behaviours: readonly Behaviour[], requests: HttpRequest[]): Adapter {
  const next = (request: HttpRequest): Answer & { readonly cut: number; readonly url: string } => {
    const behaviour = behaviours[requests.length] ?? {
      version: 0,
      as: "right",
      cut: Infinity,
      chunked: false,
    };
    requests.push(request);
    return { ...answerTo(request, behaviour), cut: behaviour.cut, url: request.url.href };
  };
  return {
    send: async (request) => {
      const { status, headers, body, cut, url } = next(request);
      if (cut >= body.length)
        return new HttpResponse({ status, statusText: "", url, headers, content: body });
      const error = new IncompleteBodyError(cut, undefined);
      attachPartialBody(error, { url, status, statusText: "", headers, chunks: [body.subarray(0, cut)] });
      throw error;
    },
    stream: async (request) => {
      const { status, headers, body, cut, url } = next(request);
      return new StreamedResponse({ status, statusText: "", url, headers, body: source(body, cut) });
    },
    close: async () => undefined,
  };
}

function source(body: Buffer, cut: number): BodySource {
  const pieces = [body.subarray(0, Math.min(cut, 5)), body.subarray(Math.min(cut, 5), cut)].filter(
    ({ length }) => length > 0,
  );
  return {
    read: async () => {
      const piece = pieces.shift();
      if (piece === undefined && cut < body.length) throw new IncompleteBodyError(cut, undefined);
      return piece;
    },
    cancel: () => undefined,
  };
}

const behaviour = fc.record<Behaviour>({
  version: fc.constantFrom(0, 1),
  as: fc.constantFrom(
    "right",
    "right",
    "right",
    "whole",
    "other",
    "no-tag",
    "412",
    "416",
    "lying-start",
    "lying-total",
    "weak",
    "503",
    "short",
    "encoded",
  ),
  cut: fc.oneof(fc.nat(26), fc.constant(Infinity)),
  chunked: fc.boolean(),
});

function sessionWith(adapter: Adapter): Session {
  const session = new Session({
    clock: fakeClock(),
    retry: new Retry({ total: 8, statusForcelist: [503], raiseOnStatus: false }),
    budget: retryBudget({ minPerSecond: 1_000_000 }),
    trustEnvironment: false,
  });
  return session.mount("http://", adapter);
}

/** Returns whether the bytes are the beginning of one version. */
function isPure(bytes: Uint8Array): boolean {
  return versions.some((version) => version.bytes.subarray(0, bytes.length).equals(bytes));
}

function isWhole(bytes: Uint8Array): boolean {
  return versions.some((version) => version.bytes.equals(bytes));
}

const url = "http://example.test/file";

test("a buffered read never mixes two versions, for any sequence of breaks and wrong responses", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { maxLength: 9 }), async (behaviours) => {
      await using session = sessionWith(adapterOf(behaviours, []));
      const response = await session.get(url).catch(() => undefined);

      if (response?.status === 200)
        assert.ok(isWhole(response.content), Buffer.from(response.content).toString());
    }),
    { numRuns: 2_000 },
  );
});

test("a stream never mixes two versions, for any sequence of breaks and wrong responses", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { maxLength: 9 }), async (behaviours) => {
      await using session = sessionWith(adapterOf(behaviours, []));
      const response = await session.get(url, { stream: true }).catch(() => undefined);
      if (response?.status !== 200) return;
      const pieces: Uint8Array[] = [];
      let whole = true;
      try {
        for await (const piece of response.body) pieces.push(piece);
      } catch {
        whole = false;
      }

      const got = Buffer.concat(pieces);
      assert.ok(whole ? isWhole(got) : isPure(got), got.toString());
    }),
    { numRuns: 2_000 },
  );
});

test("a download never mixes two versions, for any sequence of breaks and wrong responses over several calls", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-mixed-"));
  const file = join(folder, "file");
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(behaviour, { maxLength: 12 }), fc.nat(2), async (behaviours, retries) => {
        const requests: HttpRequest[] = [];
        await using session = sessionWith(adapterOf(behaviours, requests));
        await rm(file, { force: true });
        for (let call = 0; call < 4; call += 1) {
          const saved = await session
            .download(url, file, {
              retry: new Retry({ total: retries, statusForcelist: [503], raiseOnStatus: false }),
            })
            .catch(() => undefined);
          if (saved !== undefined)
            assert.ok(isWhole(await readFile(file)), (await readFile(file)).toString());
        }
      }),
      { numRuns: 80 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a session requests only the missing bytes after a cut if the server responds correctly", async () => {
  const requests: HttpRequest[] = [];
  const cut: Behaviour = { version: 0, as: "right", cut: 10, chunked: false };
  await using session = sessionWith(adapterOf([cut, { ...cut, cut: 4 }], requests));

  const { content } = await session.get(url);

  assert.equal(
    createHash("sha1").update(content).digest("hex"),
    createHash("sha1").update(versions[0].bytes).digest("hex"),
  );
  assert.deepEqual(
    requests.map(({ headers }) => headers["range"]),
    [undefined, "bytes=10-", "bytes=14-"],
  );
});
