import { parseArgs } from "node:util";
import { ResponseParser } from "../packages/http/src/transport/http1/parser.ts";
import { parseWithLlhttp } from "../test/support/llhttp.ts";

const { values } = parseArgs({
  options: {
    /** Rounds per size; the median counts. */
    rounds: { type: "string", default: "15" },
    /** Responses per round. */
    responses: { type: "string", default: "5000" },
  },
});
const rounds = Number(values.rounds);
const responses = Number(values.responses);

const common = [
  "Date: Tue, 01 Dec 2026 10:00:00 GMT",
  "Content-Type: application/json; charset=utf-8",
  "Connection: keep-alive",
  "Server: nginx/1.29.1",
  "Vary: Accept-Encoding",
  'ETag: W/"3c0-1f2e3d4c5b6a"',
];
const large = [
  "Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0",
  "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
  "X-Request-Id: 7f3c2a10-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
];

/** Returns a head of about this many bytes: common fields first, then policies and cookies, as large heads of real sites have. */
function headOf(bytes: number): string {
  const lines = ["HTTP/1.1 200 OK", ...common];
  const size = (): number => lines.join("\r\n").length + 25;
  for (let index = 0; size() < bytes - 60; index += 1) {
    const room = bytes - size() - 2;
    const line =
      large[index] ?? `Set-Cookie: session_${index}=${"0123456789abcdef".repeat(18)}; Path=/; Secure`;
    lines.push(line.slice(0, Math.max(40, room)));
  }
  return `${lines.join("\r\n")}\r\nContent-Length: 2\r\n\r\n`;
}

let bodies = 0;
const parser = new ResponseParser({
  headStarted: () => undefined,
  interimHead: () => undefined,
  finalHead: () => undefined,
  bodyPiece: (_bytes, start, end) => (bodies += end - start),
  responseEnded: () => undefined,
});

function readWithOurs(bytes: Buffer): void {
  parser.expectResponse("GET");
  parser.read(bytes, bytes.length);
}

function readWithLlhttp(bytes: Buffer): void {
  bodies += parseWithLlhttp(bytes).body.length;
}

/** Returns the microseconds per response. */
function measure(read: (bytes: Buffer) => void, bytes: Buffer): number {
  const start = process.hrtime.bigint();
  for (let count = 0; count < responses; count += 1) read(bytes);
  return Number(process.hrtime.bigint() - start) / 1_000 / responses;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

console.log("head       ours     llhttp   ratio (median of the rounds)");
for (const kilobytes of [0.3, 1, 4.4, 8.8]) {
  const bytes = Buffer.from(`${headOf(kilobytes * 1_000)}hi`, "latin1");
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(measure(readWithOurs, bytes));
    theirs.push(measure(readWithLlhttp, bytes));
  }
  const ratio = median(theirs.map((each, index) => each / (ours[index] ?? NaN)));
  const columns = [
    `${bytes.length - 2} B`,
    `${median(ours).toFixed(2)} µs`,
    `${median(theirs).toFixed(2)} µs`,
  ];
  console.log(columns.map((column) => column.padEnd(9)).join(""), `${ratio.toFixed(2)} ×`);
}
if (bodies === 0) throw new Error("No body was read");
