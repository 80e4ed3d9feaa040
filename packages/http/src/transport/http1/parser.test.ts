import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MalformedResponse } from "../errors/malformed-response.ts";
import type { ParsedHead } from "../wire/head.ts";
import { ResponseParser, type ResponseSink } from "./parser.ts";

/** Returns the events for bytes in these pieces, bodies joined, and the error if there is one. */
function eventsOf(pieces: readonly Buffer[], { method = "GET", closed = false } = {}): readonly string[] {
  const events: string[] = [];
  let body = "";
  const headOf = ({ status, statusText, fields }: ParsedHead): string =>
    `${status} ${statusText} ${JSON.stringify(fields)}`;
  const sink: ResponseSink = {
    headStarted: () => undefined,
    interimHead: (head) => events.push(`interim ${headOf(head)}`),
    finalHead: (head) => events.push(`head ${headOf(head)}`),
    bodyPiece: (bytes, start, end) => (body += bytes.toString("latin1", start, end)),
    responseEnded: (clean) => events.push(`body ${body}`, clean ? "clean" : "more came"),
  };
  const parser = new ResponseParser(sink);
  parser.expectResponse(method);
  try {
    // As a socket reads: into a larger buffer that each read overwrites.
    const shared = Buffer.alloc(pieces.reduce((most, { length }) => Math.max(most, length), 0) + 7, "\r\n");
    for (const piece of pieces) {
      piece.copy(shared);
      parser.read(shared, piece.length);
      shared.fill("!");
    }
    if (closed && !parser.endOfInput() && !events.includes("clean")) events.push(`broke off after ${body}`);
  } catch (error) {
    assert.ok(error instanceof MalformedResponse, String(error));
    events.push(`malformed: ${error.message}`);
  }
  return events;
}

function wire(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Splits bytes at these positions. */
function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const edges = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const ok = "HTTP/1.1 200 OK\r\n";
const inChunks = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const coded = '{"transfer-encoding":"chunked"}';

const rows: readonly (readonly [what: string, wire: string, ...events: string[]])[] = [
  [
    "a body of known length",
    `${ok}Content-Length: 5\r\n\r\nhello`,
    'head 200 OK {"content-length":"5"}',
    "body hello",
    "clean",
  ],
  ["no body", `${ok}Content-Length: 0\r\n\r\n`, 'head 200 OK {"content-length":"0"}', "body ", "clean"],
  ["a 204", "HTTP/1.1 204 No\r\n\r\n", "head 204 No {}", "body ", "clean"],
  [
    "chunks",
    `${inChunks}5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n`,
    `head 200 OK ${coded}`,
    "body hello world",
    "clean",
  ],
  [
    "a size in hexadecimal digits",
    `${inChunks}A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n`,
    `head 200 OK ${coded}`,
    "body 01234567890123456789a",
    "clean",
  ],
  [
    "chunk extensions",
    `${inChunks}5;a=b\r\nhello\r\n1 ; c="d;\t\xe9"\r\n!\r\n0;z\r\n\r\n`,
    `head 200 OK ${coded}`,
    "body hello!",
    "clean",
  ],
  [
    "trailers",
    `${inChunks}1\r\n!\r\n0\r\nX: y\r\nSet-Cookie: no\r\n\r\n`,
    `head 200 OK ${coded}`,
    "body !",
    "clean",
  ],
  ["only the last chunk", `${inChunks}0\r\n\r\n`, `head 200 OK ${coded}`, "body ", "clean"],
  [
    "interim responses",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n${ok}Content-Length: 1\r\n\r\n!`,
    "interim 100 Continue {}",
    'interim 103 Early {"link":"a"}',
    'head 200 OK {"content-length":"1"}',
    "body !",
    "clean",
  ],
  [
    "LF alone",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\n\r\n",
    'head 200 OK {"content-length":"2"}',
    "body \r\n",
    "clean",
  ],
  [
    "a head that LF ends and a body with CRLF",
    "HTTP/1.1 200 OK\nContent-Length: 9\n\nA: b\r\n\r\n!",
    'head 200 OK {"content-length":"9"}',
    "body A: b\r\n\r\n!",
    "clean",
  ],
  [
    "empty lines before",
    `\r\n\n${ok}Content-Length: 1\r\n\r\n!`,
    'head 200 OK {"content-length":"1"}',
    "body !",
    "clean",
  ],
];

for (const [what, text, ...events] of rows) {
  test(`${what}: parses alike wherever the bytes are split`, () => {
    const bytes = wire(text);

    assert.deepEqual(eventsOf([bytes]), events);
    assert.deepEqual(eventsOf([...bytes].map((byte) => Buffer.from([byte]))), events);
    for (let place = 0; place <= bytes.length; place += 1)
      assert.deepEqual(eventsOf(cutAt(bytes, [place])), events);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 6 }), (places) => {
        assert.deepEqual(eventsOf(cutAt(bytes, places)), events);
      }),
      { numRuns: 50 },
    );
  });

  test(`${what}: incomplete before its last byte`, () => {
    const bytes = wire(text);
    for (let size = 0; size < bytes.length; size += 1) {
      const [last] = eventsOf([bytes.subarray(0, size)], { closed: true }).slice(-1);
      assert.match(last ?? "", /^broke off/, `after ${size} bytes`);
    }
  });
}

test("a body without framing is complete only at the end of the connection", () => {
  const bytes = wire(`${ok}\r\nall of it`);

  assert.deepEqual(eventsOf([bytes], { closed: true }), ["head 200 OK {}", "body all of it", "clean"]);
  assert.deepEqual(eventsOf([bytes]), ["head 200 OK {}"]);
});

test("a response to HEAD has no body, whatever its headers say", () => {
  for (const fields of ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"]) {
    const events = eventsOf([wire(`${ok}${fields}\r\n\r\n`)], { method: "HEAD" });
    assert.deepEqual(events.slice(1), ["body ", "clean"]);
  }
});

const smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle";
const followed: readonly (readonly [what: string, response: string, body: string])[] = [
  ["Content-Length", `${ok}Content-Length: 2\r\n\r\nhi`, "hi"],
  ["chunks", `${inChunks}2\r\nhi\r\n0\r\n\r\n`, "hi"],
  [
    "chunks and Content-Length",
    `${ok}Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    "hi",
  ],
  [
    "sizes with leading zeros",
    `${inChunks}${"0".repeat(40)}2\r\nhi\r\n${"0".repeat(40)}a;x\r\n0123456789\r\n${"0".repeat(40)}\r\n\r\n`,
    "hi0123456789",
  ],
  ["a 204 with a length", "HTTP/1.1 204 OK\r\nContent-Length: 9\r\n\r\n", ""],
  ["a 304", "HTTP/1.1 304 OK\r\n\r\n", ""],
];

for (const [what, response, body] of followed) {
  test(`bytes after a response are not part of it: ${what}`, () => {
    for (const following of [smuggled, "\r\n", "0", "x".repeat(70_000)]) {
      assert.deepEqual(eventsOf([wire(response + following)]).slice(1), [`body ${body}`, "more came"]);
      assert.deepEqual(eventsOf([wire(response), wire(following)]).slice(1), [`body ${body}`, "clean"]);
    }
  });
}

const malformed: readonly (readonly [what: string, wire: string, complaint: RegExp])[] = [
  ["a bare LF after a chunk size", `${inChunks}2\nhi\r\n0\r\n\r\n`, /not a hexadecimal number/],
  ["a bare LF in a chunk extension", `${inChunks}2;a\nhi\r\n0\r\n\r\n`, /control character/],
  ["a bare LF after a chunk", `${inChunks}2\r\nhi\n0\r\n\r\n`, /a chunk does not end with CRLF/],
  ["a bare CR after a chunk", `${inChunks}2\r\nhi\r0\r\n\r\n`, /a chunk does not end with CRLF/],
  ["a byte other than CR after a chunk", `${inChunks}2\r\nhi!\n0\r\n\r\n`, /longer than its size/],
  ["a bare CR after a chunk size", `${inChunks}2\rhi\r\n0\r\n\r\n`, /CRLF/],
  ["a NUL in a chunk extension", `${inChunks}2;\0\r\nhi\r\n0\r\n\r\n`, /control character/],
  ["a chunk is longer than its size", `${inChunks}1\r\nhi\r\n0\r\n\r\n`, /longer than its size/],
  ["a size that is not a number", `${inChunks}xyz\r\n`, /not a hexadecimal number/],
  ["no size", `${inChunks}\r\nhi`, /not a hexadecimal number/],
  ["an extension without a size", `${inChunks};a\r\n`, /not a hexadecimal number/],
  ["white space before a size", `${inChunks} 2\r\nhi`, /not a hexadecimal number/],
  ["white space in a size", `${inChunks}2 0\r\nhi`, /not a hexadecimal number/],
  ["a sign before a size", `${inChunks}+2\r\nhi`, /not a hexadecimal number/],
  ["a negative size", `${inChunks}-2\r\nhi`, /not a hexadecimal number/],
  ["a size with 0x", `${inChunks}0x2\r\nhi`, /not a hexadecimal number/],
  ["a size with an underscore", `${inChunks}2_0\r\nhi`, /not a hexadecimal number/],
  ["a size of more than 64 bits", `${inChunks}${"0".repeat(20)}10000000000000002\r\nhi`, /64 bits/],
  ["endless zeros before a size", `${inChunks}${"0".repeat(16_385)}2\r\nhi`, /16 KiB of leading zeros/],
  ["endless chunk extensions", `${inChunks}2;${"x".repeat(16_384)}`, /16 KiB/],
  ["many chunk extensions", inChunks + `1;${"x".repeat(999)}\r\n!\r\n`.repeat(17), /16 KiB/],
  ["endless trailers", `${inChunks}0\r\n${"X: y\r\n".repeat(3_000)}`, /16 KiB/],
  ["a trailer that is not a field", `${inChunks}0\r\nX\r\n\r\n`, /trailers is not a header field/],
  ["a trailer without a name", `${inChunks}0\r\n: y\r\n\r\n`, /trailers is not a header field/],
  ["a fold before the first trailer", `${inChunks}0\r\n y\r\n\r\n`, /trailers is not a header field/],
  ["a trailer with a NUL", `${inChunks}0\r\nX: \0\r\n\r\n`, /trailers contain a control character/],
  ["a trailer with a bare CR", `${inChunks}0\r\nX: a\rb\r\n\r\n`, /trailers contain a control character/],
  ["a trailer that ends with LF alone", `${inChunks}0\r\nX: 1\n\r\n`, /trailers does not end with CRLF/],
  ["trailers that end with LF alone", `${inChunks}0\r\nX: 1\r\n\n`, /trailers does not end with CRLF/],
  ["empty trailers that end with LF alone", `${inChunks}0\r\n\n`, /trailers does not end with CRLF/],
  ["an endless field", `${ok}X: ${"y".repeat(256 * 1024)}`, /256 KiB/],
  ["endless fields", ok + "X: y\r\n".repeat(50_000), /256 KiB/],
  ["two CRs before an LF", `${ok}X: y\r\n\r\r\n`, /control character|not a header field/],
  ["an unrequested 101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", /101/],
  ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n", /status line/],
  ["a body without a head", "<html>", /status line/],
  ["a status line of another version", "HTTP/2", /status line/],
];

for (const [what, text, complaint] of malformed) {
  test(`rejects ${what} wherever the bytes are split`, () => {
    const bytes = wire(text);
    const complain = (pieces: readonly Buffer[]): void => {
      const [last = ""] = eventsOf(pieces).slice(-1);
      assert.match(last, /^malformed/);
      assert.match(last, complaint);
    };

    complain([bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 4 }), (places) => complain(cutAt(bytes, places))),
      { numRuns: 30 },
    );
  });
}

test("parses a head of 200 KiB that arrives byte by byte", () => {
  const bytes = wire(`${ok}Content-Length: 0\r\nX: ${"y".repeat(200_000)}\r\n\r\n`);

  assert.deepEqual(eventsOf([...bytes].map((byte) => Buffer.from([byte]))).slice(1), ["body ", "clean"]);
});

const token = fc.stringMatching(/^[A-Za-z-]{1,12}$/).map((name) => `X-${name}`);
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,30}[!-~])?$/);
const body = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const chunk = body.filter(({ length }) => length > 0);
const fields = fc.array(fc.tuple(token, value), { maxLength: 4 });
const lines = fields.map((all) => all.map(([name, said]) => `${name}: ${said}\r\n`).join(""));
const ofLength = fc
  .tuple(lines, body)
  .map(([said, text]) => [`${ok}${said}Content-Length: ${text.length}\r\n\r\n${text}`, text] as const);
const ofChunks = fc.tuple(lines, fc.array(chunk, { maxLength: 5 }), lines).map(([said, chunks, trailers]) => {
  const framed = chunks.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join("");
  return [
    `${ok}${said}Transfer-Encoding: chunked\r\n\r\n${framed}0\r\n${trailers}\r\n`,
    chunks.join(""),
  ] as const;
});

test("any response gives the same events and the same body wherever its bytes are split", () => {
  fc.assert(
    fc.property(
      fc.oneof(ofLength, ofChunks),
      fc.array(fc.nat(), { maxLength: 8 }),
      ([text, sent], places) => {
        const bytes = wire(text);
        const whole = eventsOf([bytes]);

        assert.deepEqual(whole.slice(1), [`body ${sent}`, "clean"]);
        assert.deepEqual(eventsOf(cutAt(bytes, places)), whole);
      },
    ),
    { numRuns: 300 },
  );
});

test("any input is a response, the beginning of one, or malformed", () => {
  const fragments = [
    "HTTP/1.1 ",
    "HTTP/1.",
    "200 OK",
    "\r\n",
    "\n",
    "\r",
    ": ",
    "Content-Length: ",
    "5",
    "chunked",
    "Transfer-Encoding: ",
    "0\r\n\r\n",
    " ",
    ";",
    "\0",
  ];
  const soup = fc
    .array(fc.oneof(fc.constantFrom(...fragments), body), { maxLength: 20 })
    .map((all) => all.join(""));

  fc.assert(
    fc.property(
      fc.oneof(
        soup,
        soup.map((text) => ok + text),
        soup.map((text) => inChunks + text),
      ),
      fc.array(fc.nat()),
      (text, places) => {
        // `eventsOf` throws every error except MalformedResponse.
        const bytes = wire(text);
        const cut = eventsOf(cutAt(bytes, places), { closed: true });

        assert.ok(cut.length <= 2 * text.length + 2);
      },
    ),
    { numRuns: 1_000 },
  );
});

const slips: readonly (readonly [what: string, wire: string])[] = [
  ["a padded size", `${inChunks}2  \r\nhi\r\n0\r\n\r\n`],
  ["an extension without a name", `${inChunks}2;\r\nhi\r\n0\r\n\r\n`],
  ["an extension without a value", `${inChunks}2;a=\r\nhi\r\n0\r\n\r\n`],
  ["an extension with an open quote", `${inChunks}2;a="b\r\nhi\r\n0\r\n\r\n`],
  ["a folded trailer", `${inChunks}2\r\nhi\r\n0\r\nX: y\r\n z\r\n\r\n`],
  ["a trailer that would frame a body", `${inChunks}2\r\nhi\r\n0\r\nContent-Length: 2\r\n\r\n`],
  ["blanks after an extension", `${inChunks}2;a \r\nhi\r\n0\r\n\r\n`],
  ["a malformed extension of the last chunk", `${inChunks}2\r\nhi\r\n0;;\r\n\r\n`],
];

for (const [what, text] of slips) {
  test(`${what}: the body is complete, and the response is not clean`, () => {
    const bytes = wire(text);

    for (let place = 0; place <= bytes.length; place += 1)
      assert.deepEqual(eventsOf(cutAt(bytes, [place])).slice(1), ["body hi", "more came"]);
  });
}

const small = 10_000;
const longBodies: readonly (readonly [what: string, chunk: string])[] = [
  ["padded sizes", `1       \r\n!\r\n`],
  ["padded sizes of 100 blanks", `1${" ".repeat(100)}\r\n!\r\n`],
  ["short extensions", `1;a=b;c\r\n!\r\n`],
];

for (const [what, chunk] of longBodies) {
  test(`the limit of chunk extensions does not add up over ${small} chunks with ${what}`, () => {
    const [, body] = eventsOf([wire(`${inChunks}${chunk.repeat(small)}0\r\n\r\n`)]);

    assert.equal(body, `body ${"!".repeat(small)}`);
  });
}

test("extensions as long as the data of their chunks have no limit", () => {
  const data = "!".repeat(100);
  const chunk = `64;signature=${"f".repeat(150)}\r\n${data}\r\n`;
  const [, body] = eventsOf([wire(`${inChunks}${chunk.repeat(1_000)}0\r\n\r\n`)]);

  assert.equal(body, `body ${data.repeat(1_000)}`);
});

const large = Array.from({ length: 150 }, (_, index) => `X-Field-${index}: ${"v".repeat(60)}`).join("\r\n");

test("a head of 11 KB is parsed alike wherever its bytes are split, with and without a body behind it", () => {
  const response = `${ok}${large}\r\nContent-Length: 6000\r\n\r\n`;
  const bytes = wire(response + "b\r\n\r\nc".repeat(1_000).slice(0, 6_000));
  const whole = eventsOf([bytes]);

  assert.deepEqual(whole.slice(2), ["clean"]);
  for (const place of [1, 5, 17, 4_095, 4_096, 4_097, response.length - 1, response.length, bytes.length - 1])
    assert.deepEqual(eventsOf(cutAt(bytes, [place])), whole);
});

const badLines: readonly (readonly [what: string, line: string])[] = [
  ["a NUL", "X: \0"],
  ["a lone CR", "X: a\rb"],
  ["a malformed framing field", "Content-Length : 5"],
  ["a Content-Length that is no number", "Content-Length: 5a"],
  ["another Content-Length", "Content-Length: 5\r\nContent-Length: 6"],
  ["a coding that nobody asked for", "Transfer-Encoding: gzip"],
];

for (const [what, line] of badLines) {
  test(`a line with ${what} is an error as soon as it is complete, wherever the bytes are split`, () => {
    for (const before of ["", `${large}\r\n`]) {
      const bytes = wire(`${ok}A: b\r\n${before}${line}\r\n`);
      for (const place of [0, 1, 10, 20, bytes.length - 3, bytes.length - 1])
        assert.match(eventsOf(cutAt(bytes, [place])).at(-1) ?? "", /^malformed/, `at ${place}`);
      assert.deepEqual(eventsOf([bytes.subarray(0, -1)]), []);
    }
  });
}

test("a 101 that nobody asked for is an error at the end of its status line", () => {
  for (const place of [0, 5, 20])
    assert.match(
      eventsOf(cutAt(wire("HTTP/1.1 101 Switching Protocols\r\n"), [place])).at(-1) ?? "",
      /^malformed/,
    );
});

test("a malformed Content-Length of a response without a body is no error before the head is complete", () => {
  const head = wire("HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n");

  assert.deepEqual(eventsOf([head]), []);
});

test("a stopped parser calls the sink no more, even for the bytes of the current read", () => {
  const calls: string[] = [];
  const parser: ResponseParser = new ResponseParser({
    headStarted: () => undefined,
    interimHead: () => undefined,
    finalHead: () => calls.push("head"),
    bodyPiece: () => {
      calls.push("piece");
      parser.stop();
    },
    responseEnded: () => calls.push("end"),
  });

  for (const text of [`${inChunks}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`, `${ok}Content-Length: 1\r\n\r\na`]) {
    parser.expectResponse("GET");
    parser.read(wire(text), text.length);
  }

  assert.deepEqual(calls, ["head", "piece", "head", "piece"]);
});

for (const [what, pieces] of [
  ["at once", 1],
  ["in pieces", 7],
] as const)
  test(`keeps 1,000 values of a name and 2,000 names of a head that comes ${what}, and its framing`, () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `set-cookie: a\r\nx${index}: 1\r\n`).join("");
    const head = wire(`HTTP/1.1 200 OK\r\n${many}content-length: 2\r\n\r\nok`);
    const size = Math.ceil(head.length / pieces);
    const parts = Array.from({ length: pieces }, (_, index) =>
      head.subarray(index * size, (index + 1) * size),
    );

    const [event = "", ...others] = eventsOf(parts);

    const fields = JSON.parse(event.replace("head 200 OK ", "")) as Record<string, string | string[]>;
    assert.equal(fields["set-cookie"]?.length, 1_000);
    assert.equal(Object.keys(fields).length, 2_001, "the framing field is always kept");
    assert.equal(fields["content-length"], "2");
    assert.deepEqual(others, ["body ok", "clean"]);
  });
