import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/reference/bounds.md"), "utf8");

/** The constants of the code behind the rows of the page: the row, the file, and its constants. */
const rows: readonly (readonly [row: string, file: string, ...constants: readonly string[]])[] = [
  ["head of a response", "http/src/transport/http1/parser.ts", "maxKibibytes:KiB"],
  ["head of a response", "http/src/transport/http2/response-fields.ts", "maxHeadBytes"],
  ["head of a response", "http/src/transport/exchange/exchange.ts", "maxInterimResponses"],
  ["fields of a head", "http/src/transport/wire/head-reader.ts", "maxNames", "maxValuesOfName"],
  ["pieces of a body", "http/src/support/pieces.ts", "minPieceBytes", "blockBytes"],
  [
    "unread pieces of a streamed body",
    "http/src/transport/exchange/streamed-exchange.ts",
    "maxBufferedBytes",
  ],
  ["pieces of a download", "http/src/download/file-writer.ts", "batchBytes"],
  [
    "body that the call does not need",
    "http/src/transport/exchange/buffered-exchange.ts",
    "maxUnwantedBytes",
    "maxUnwantedMs:ms",
  ],
  ["one slice of a decoder", "http/src/transport/decode/decode-bounds.ts", "sliceBytes"],
  ["expansion of a decoder", "http/src/transport/decode/decode-bounds.ts", "maxRatio", "freeBytes"],
  ["codings of a body", "http/src/transport/decode/codings.ts", "maxCodings"],
  [
    "extensions, trailers and zeros",
    "http/src/transport/http1/chunked-body.ts",
    "maxExtensionBytes",
    "maxTrailerBytes",
    "maxLeadingZeros",
  ],
  ["`Content-Type`", "http/src/model/headers.ts", "maxContentTypeLength"],
  ["URL of a redirect", "http/src/model/redirect-request.ts", "maxUrlLength"],
  ["log line", "http/src/telemetry/log.ts", "maxLineLength"],
  ["attempts that an error of `retry` lists", "policy/src/retry/retry-loop.ts", "maxKeptAttempts"],
  ["body that a dialect reads", "http/src/retry/dialects/reply.ts", "longestBody"],
  ["links of a `Link` header", "http/src/model/links.ts", "maxResolved"],
  ["ID of an event", "http/src/session/events.ts", "maxIdLength"],
  ["URL of a next page", "http/src/session/paginate.ts", "maxUrlLength"],
  ["pages that `session.paginate` remembers", "http/src/session/paginate.ts", "maxVisited", "maxKeyLength"],
  ["rate limits that were met", "http/src/pacing/limiters.ts", "maxLimiters", "maxPerHost"],
  ["name of a limit", "http/src/retry/dialects/bucket-name.ts", "maxNameBytes"],
  ["`Retry-After` and the other delays", "http/src/model/http-date.ts", "maxListLength"],
  ["limits of one response", "http/src/pacing/quota.ts", "maxQuotas"],
  ["limits of one response", "http/src/retry/dialects/structured-items.ts", "maxFieldLength"],
  ["routes with known buckets", "http/src/pacing/limiters.ts", "maxRoutes", "maxBucketsOfRoute"],
  ["routes with known buckets", "http/src/pacing/route.ts", "maxPathLength"],
  ["cookies of a jar", "http/src/model/cookie-bounds.ts", "maxOfJar", "maxOfSite", "maxOfResponse"],
  [
    "one cookie",
    "http/src/model/cookie-bounds.ts",
    "maxPairBytes",
    "maxAttributeBytes",
    "maxAttributesBytes",
    "maxPathLength",
  ],
  ["cookies in one request", "http/src/model/cookie-bounds.ts", "maxSentBytes"],
  ["response of the token endpoint", "http/src/session/request-token.ts", "maxResponseBytes"],
  ["challenges of `digestAuth`", "http/src/auth/digest.ts", "maxOrigins", "maxNonces", "maxChallengeLength"],
  ["replaced tokens of `bearerAuth`", "http/src/auth/bearer-auth.ts", "maxReplaced"],
  ["policies by origin", "http/src/call/call-factory.ts", "maxPolicies"],
  ["TLS tickets", "http/src/transport/connect/tls.ts", "maxSessions"],
  ["origins without a connection", "http/src/transport/pool/origin-pools.ts", "minSweepSize"],
  ["origins known to speak only HTTP/1.1", "http/src/transport/pool/origin-pools.ts", "maxHttp1Origins"],
  ["known field names of heads", "http/src/transport/wire/head.ts", "maxKnownNames", "maxKnownLength"],
  ["known status lines", "http/src/transport/wire/head.ts", "maxKnownStatusLines", "maxKnownLength"],
  ["hosts with a health of their own", "proxies/src/pool/components.ts", "maxHosts"],
  ["remembered health in a snapshot", "proxies/src/pool/snapshot.ts", "maxKept"],
  ["one line of a list", "runner/src/input/read-lines.ts", "maxLineLength"],
  ["one line of a list", "runner/src/input/parse-line.ts", "maxUrlLength"],
  ["body of a line", "holdfast/src/commands/run-flags.ts", "defaultMaxBytes"],
  ["bodies of all lines", "holdfast/src/commands/run-flags.ts", "longestDefaultMemory"],
  ["`Content-Type` in the ledger", "runner/src/sqlite/outcome-recorder.ts", "maxContentType"],
];

/** Returns the value of a constant: numbers, and operators between them. */
function readConstant(file: string, name: string): number {
  const source = readFileSync(join(root, "packages", file), "utf8");
  const [, expression] =
    new RegExp(`^(?:export )?const ${name}(?:: number)? = ([\\d_* <]+);$`, "m").exec(source) ?? [];
  assert.ok(
    expression !== undefined,
    `${file} has no constant ${name}: change its row in bounds.md and here`,
  );
  const [shifted = "", shift = "0"] = expression.replaceAll("_", "").split(" << ");
  const factors = shifted.split(" * ").map((factor) => {
    const [base = "", exponent = "1"] = factor.split(" ** ");
    return Number(base) ** Number(exponent);
  });
  return factors.reduce((product, factor) => product * factor, 2 ** Number(shift));
}

/** Returns the ways in which the page may write a number. */
function spellingsOf(value: number, unit: string | undefined): readonly string[] {
  if (unit === "KiB") return [`${value} KiB`];
  if (unit === "ms") return [`${value / 1_000} second`];
  const units = [
    ["KiB", 2 ** 10],
    ["MiB", 2 ** 20],
    ["GiB", 2 ** 30],
  ] as const;
  const sizes = units
    .filter(([, size]) => value % size === 0)
    .map(([name, size]) => `${value / size} ${name}`);
  return [value.toLocaleString("en-US"), ...sizes];
}

for (const [row, file, ...constants] of rows)
  test(`the page of bounds has the numbers of ${file} in its row "${row}"`, () => {
    const line = page.split("\n").find((candidate) => candidate.startsWith(`| ${row}`));
    assert.ok(line !== undefined, "the row exists");
    const bound = line.split(" | ")[1] ?? "";

    for (const constant of constants) {
      const [name = "", unit] = constant.split(":");
      const spellings = spellingsOf(readConstant(file, name), unit);
      const isNamed = spellings.some((text) => new RegExp(`(?<![\\d,.])${text}(?![\\d,]\\d)`).test(bound));
      assert.ok(isNamed, `${name} is ${spellings.join(" or ")}, and the page says: ${bound}`);
    }
  });
