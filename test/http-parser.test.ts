import assert from "node:assert/strict";
import { test } from "node:test";
import { MalformedResponse } from "../packages/http/src/transport/errors/malformed-response.ts";
import { allowsReuse, isPersistent } from "../packages/http/src/transport/http1/framing.ts";
import { ResponseParser } from "../packages/http/src/transport/http1/parser.ts";
import { parseWithLlhttp, type LlhttpResponse } from "./support/llhttp.ts";
import { framedResponses, irregularResponses } from "./support/parser-corpus.ts";

type Reading = Pick<LlhttpResponse, "status" | "isComplete" | "isRefused" | "keepAlive"> & {
  readonly body: string;
};

interface ReadOptions {
  readonly method?: string;
  readonly isClosed?: boolean;
}

/** Parses the first response in these pieces with the parser of the transport. */
function parse(pieces: readonly Buffer[], { method = "GET", isClosed = false }: ReadOptions = {}): Reading {
  const body: Buffer[] = [];
  let [status, keepAlive, isComplete, isRefused] = [0, true, false, false];
  const parser = new ResponseParser({
    headStarted: () => undefined,
    interimHead: (head) => (keepAlive &&= allowsReuse(head)),
    finalHead: (head) => {
      status = head.status;
      keepAlive &&= isPersistent(head, method);
    },
    bodyPiece: (bytes, start, end) => body.push(Buffer.from(bytes.subarray(start, end))),
    responseEnded: (clean) => {
      isComplete = true;
      keepAlive &&= clean;
    },
  });
  parser.expectResponse(method);
  try {
    for (const piece of pieces) parser.read(piece, piece.length);
    if (isClosed) parser.endOfInput();
  } catch (error) {
    assert.ok(error instanceof MalformedResponse, String(error));
    isRefused = true;
  }
  return { status, isComplete, isRefused, keepAlive, body: Buffer.concat(body).toString("latin1") };
}

/** Returns a function that returns integers from 0 up to a bound, the same in each run (mulberry32). */
function seededIntegers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const next = seededIntegers(12);
// No tab: llhttp does not take it for white space (RFC 9110 §5.6.3).
const fragments = [
  ...Array.from('\r\n\0 :;,\x01\x0b\x7f\xa0\xff0159aAfFgx+-"'),
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "\r\n ",
  "0\r\n\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "chunked",
  "identity",
  ", ",
  "HTTP/1.1 200 OK\r\n",
];

function pick<T>(list: readonly T[]): T {
  const item = list[next(list.length)];
  assert.ok(item !== undefined);
  return item;
}

/** Inserts, removes, replaces or repeats some bytes of a text. */
function mutate(text: string): string {
  const [at, length] = [next(text.length + 1), next(8)];
  const [before, after] = [text.slice(0, at), text.slice(at)];
  switch (next(6)) {
    case 0:
      return before + pick(fragments) + after;
    case 1:
      return before + after.slice(length);
    case 2:
      return before + pick(fragments) + after.slice(1);
    case 3:
      return before + after.slice(0, length) + after;
    case 4:
      return before + pick(irregularResponses).slice(next(40));
    default: {
      const lines = text.split("\r\n");
      const from = next(lines.length);
      lines.splice(next(lines.length), 0, ...lines.splice(from, 1 + next(2)));
      return lines.join("\r\n");
    }
  }
}

function cut(bytes: Buffer): readonly Buffer[] {
  const places = [next(bytes.length + 1), next(bytes.length + 1)].toSorted((a, b) => a - b);
  const [first = 0, second = 0] = places;
  return [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
}

// llhttp takes some lists for an unknown coding, whose end is that of the connection.
const listOfCodings = /^Transfer-Encoding:[^\r\n]*,/im;
// llhttp refuses later minor versions, which are read as HTTP/1.1 (RFC 9110 §2.5), and blanks in chunk extensions (RFC 9112
// §7.1.1).
const refusedByLlhttp = /HTTP\/1\.[2-9]|^[\da-f]+ *;[^\r\n]*[ \t]|^[\da-f]+ +;/im;

/** Checks one input against llhttp. */
function compare(text: string, options: ReadOptions): Reading {
  const bytes = Buffer.from(text, "latin1");
  const ours = parse([bytes], options);
  const theirs = parseWithLlhttp(bytes, options);
  const input = JSON.stringify({ text, ...options });

  const split = parse(cut(bytes), options);
  // Bytes behind the response are seen only when they come with it.
  assert.deepEqual({ ...split, keepAlive: false }, { ...ours, keepAlive: false }, `cut: ${input}`);

  if (ours.isRefused) return ours;
  const isWhole = theirs.isComplete && !theirs.isRefused;
  assert.ok(ours.isComplete || !isWhole || listOfCodings.test(text), `only llhttp's is complete: ${input}`);
  if (!ours.isComplete) return ours;
  if (isWhole && !listOfCodings.test(text)) {
    assert.equal(ours.status, theirs.status, input);
    assert.equal(ours.body, theirs.body.toString("latin1"), input);
  }
  // Complete for us alone: the bytes must not be a response that llhttp would wait for.
  else assert.ok(theirs.isRefused || listOfCodings.test(text), `only ours is complete: ${input}`);
  if (ours.keepAlive && !refusedByLlhttp.test(text)) {
    // llhttp ends the connection after a response to HEAD that does not state its length.
    assert.ok(
      theirs.isComplete && (theirs.keepAlive || options.method === "HEAD"),
      `only ours is used again: ${input}`,
    );
    assert.equal(theirs.end, bytes.length, input);
  }
  return ours;
}

const seeds = [...framedResponses, ...irregularResponses];
const methods = ["GET", "GET", "GET", "HEAD"] as const;

test("reads every response of the corpus as llhttp does, or refuses it, or ends the connection", () => {
  for (const text of seeds)
    for (const method of ["GET", "HEAD"])
      for (const isClosed of [false, true]) compare(text, { method, isClosed });
});

test("reads every regular response completely", () => {
  for (const text of framedResponses) {
    const { isComplete, body } = compare(text, {});

    assert.equal(isComplete, true, text);
    assert.equal(body, parseWithLlhttp(Buffer.from(text, "latin1")).body.toString("latin1"));
  }
});

test("takes no cut response as a whole one", () => {
  for (const text of framedResponses)
    for (let size = 0; size < text.length; size += 1) {
      const { isComplete } = parse([Buffer.from(text.slice(0, size), "latin1")], { isClosed: true });

      assert.equal(isComplete, false, JSON.stringify(text.slice(0, size)));
    }
});

test("reads 30,000 mutated responses as llhttp does, or refuses them, or ends the connection", () => {
  const counts = { complete: 0, reused: 0 };
  for (let count = 0; count < 30_000; count += 1) {
    let text = pick(seeds);
    for (let mutations = 1 + next(3); mutations > 0; mutations -= 1) text = mutate(text);
    const { isComplete, isRefused, keepAlive } = compare(text, {
      method: pick(methods),
      isClosed: next(2) === 0,
    });
    if (isComplete && !isRefused) counts.complete += 1;
    if (isComplete && keepAlive) counts.reused += 1;
  }

  // The mutations must leave enough responses to compare.
  assert.ok(counts.complete > 5_000 && counts.reused > 700, JSON.stringify(counts));
});
