import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Session } from "@holdfast/http";
import {
  chunked,
  cut,
  encode,
  faultOrigin,
  raw,
  respond,
  wireBytes,
  type Reply,
  type CodingName,
  type FaultOrigin,
  type Step,
} from "@holdfast/http/testing";
import { outcomeOf, sessionFor, type Result } from "./scenario.ts";

const runs = { numRuns: 150 };

/** An origin with a settable next response, and a session without retries. */
async function withNext(
  check: (ask: (answer: Reply) => Promise<Result>, origin: FaultOrigin) => Promise<void>,
): Promise<void> {
  let next: Reply = [];
  await using origin = await faultOrigin({ routes: { "/": () => next }, maxRecorded: 0 });
  await using session: Session = await sessionFor({ retry: { total: 0 }, timeout: { read: 2_000 } });
  await check(async (answer) => {
    next = answer;
    return outcomeOf(session.get(`${origin.url}/`));
  }, origin);
}

function wireOf(answer: Reply): Buffer {
  return Buffer.concat(answer.flatMap((step) => wireBytes(step) ?? []));
}

/** The same bytes, written in pieces that end where the cuts are. */
function written(bytes: Buffer, cuts: readonly number[]): Step[] {
  const places = [...new Set(cuts.map((at) => at % bytes.length))].toSorted((a, b) => a - b);
  const edges = [0, ...places, bytes.length];
  return edges
    .slice(1)
    .flatMap((edge, index): Step[] => [{ send: bytes.subarray(edges[index], edge) }, { wait: 0 }]);
}

const body = fc.uint8Array({ minLength: 0, maxLength: 3_000 }).map((bytes) => Buffer.from(bytes));
const coding = fc.constantFrom<CodingName | undefined>(undefined, "gzip", "deflate", "br", "zstd");
const cuts = fc.array(fc.nat(), { maxLength: 8 });

test("fuzz: the received body equals the sent one, with any chunks and any writes", () =>
  withNext((ask) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          body.filter(({ length }) => length > 0),
          { maxLength: 6 },
        ),
        cuts,
        async (chunks, places) => {
          const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
          const wire = Buffer.concat([
            Buffer.from(head),
            ...chunks.flatMap((chunk) => [
              Buffer.from(`${chunk.length.toString(16)}\r\n`),
              chunk,
              Buffer.from("\r\n"),
            ]),
            Buffer.from("0\r\n\r\n"),
          ]);

          const { response, error } = await ask(written(wire, places));

          assert.ifError(error);
          assert.ok(Buffer.from(response?.content ?? []).equals(Buffer.concat(chunks)));
        },
      ),
      runs,
    ),
  ));

test("fuzz: a chunked response split at any byte arrives complete", () =>
  withNext(async (ask) => {
    const wire = Buffer.from(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n4;a=b\r\nbody\r\nA\r\n and more.\r\n0\r\nT: u\r\n\r\n",
    );
    for (let at = 1; at < wire.length; at += 1) {
      const { response, error } = await ask([
        { send: wire.subarray(0, at) },
        { wait: 1 },
        { send: wire.subarray(at) },
      ]);

      assert.ifError(error);
      assert.equal(await response?.text(), "body and more.", `cut at ${at}`);
    }
  }));

test("fuzz: a response cut anywhere by FIN or RST, in any framing and coding, is never a success with another body", () =>
  withNext((ask) =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          content: body,
          coded: coding,
          framing: fc.constantFrom("length", "chunked", "close"),
          by: fc.constantFrom("fin", "rst"),
          part: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        async ({ content, coded, framing, by, part }) => {
          const answer = respond(200, {
            body: content,
            framing,
            ...(coded !== undefined && { coding: coded }),
          });
          const whole = answer.filter((step) => !("end" in step));
          const length = wireOf(whole).length;

          const { response, error } = await ask(cut(whole, { at: Math.floor(part * (length + 1)), by }));

          if (response === undefined) return assert.ok(error !== undefined && "code" in error, String(error));
          // Only a coding distinguishes a complete close-delimited body from a part of it (RFC 9112 §8).
          const unknowable = framing === "close" && coded === undefined && by === "fin";
          const got = Buffer.from(response.content);
          assert.ok(unknowable ? content.subarray(0, got.length).equals(got) : got.equals(content));
        },
      ),
      { numRuns: 400 },
    ),
  ));

test("fuzz: any head leads quickly to a response with that body or to an error with a code", () =>
  withNext((ask) =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 60 }), async (noise, at) => {
        const good = Buffer.from("HTTP/1.1 200 OK\r\nServer: holdfast\r\nContent-Length: 4\r\n\r\nbody");
        const wire = Buffer.concat([good.subarray(0, at), noise, good.subarray(at)]);

        const { response, error } = await ask(raw(wire));

        if (response === undefined)
          assert.ok(error !== undefined && "code" in error && error.name !== "Error", String(error));
        else assert.ok(response.status >= 200 && response.status <= 999);
      }),
      runs,
    ),
  ));

test("fuzz: header fields arrive unchanged", () =>
  withNext((ask) =>
    fc.assert(
      fc.asyncProperty(
        fc
          .stringMatching(/^[a-z][a-z\d-]{0,20}$/)
          .filter((name) => !/^(connection|content|transfer|keep|upgrade|set-cookie)/.test(name)),
        fc.stringMatching(/^[!-~]([\t -~]{0,60}[!-~])?$/),
        cuts,
        async (name, value, places) => {
          const wire = wireOf(chunked(200, ["x"]));
          const field = Buffer.from(`${name}: ${value}\r\n`);
          const first = wire.indexOf("\r\n") + 2;
          const bytes = Buffer.concat([wire.subarray(0, first), field, wire.subarray(first)]);

          const { response, error } = await ask(written(bytes, places));

          assert.ifError(error);
          assert.equal(response?.headers.get(name), value);
        },
      ),
      runs,
    ),
  ));

test("fuzz: an encoded body with a changed byte is never a success with another body, if the coding has a checksum", () =>
  withNext((ask) =>
    fc.assert(
      fc.asyncProperty(body, fc.nat(), fc.integer({ min: 1, max: 255 }), async (content, place, change) => {
        const bytes = encode(content, "gzip");
        // The ten bytes of the header hold a date and the name of a system.
        const at = 10 + (place % (bytes.length - 10));
        bytes[at] = (bytes[at] ?? 0) ^ change;

        const { response, error } = await ask(
          respond(200, { headers: { "content-encoding": "gzip" }, body: bytes }),
        );

        if (response === undefined) assert.ok(error !== undefined && "code" in error);
        else assert.ok(Buffer.from(response.content).equals(content));
      }),
      runs,
    ),
  ));
