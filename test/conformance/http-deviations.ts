import { HoldfastError } from "@holdfast/policy";
import type { Vector } from "./adapter.ts";
import { difference } from "./compare.ts";
import type { Deviation, Place } from "./deviations.ts";
import { checkWholeHosts, hasCutHost } from "./requests-mount.ts";
import { checkRedirect, chosenBy, errorFor, noProxyOf } from "./requests-policy.ts";
import { delayByRfc, longest, readBy, reads, vectorOf } from "./retry-after.ts";
import {
  checkOurSleeps,
  checkWithoutQuery,
  type Config,
  hasInvalidHeader,
  refusesQuery,
  retryOf,
  type RetryVector,
  waitsUnasked,
} from "./urllib3-retry.ts";

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Deliberate deviations from urllib3's and requests' rules of HTTP. */
export const httpDeviations: readonly Deviation[] = [
  {
    name: "rejects a listed status that is not a number",
    reason: 'urllib3 accepts `"503"` and never matches it; an early error shows the mistake',
    applies: ({ vector }) => listsText(vector),
    instead: ({ config, retries }) => {
      try {
        retryOf((config ?? retries) as Config);
      } catch (error) {
        return error instanceof TypeError ? undefined : `threw ${String(error)}`;
      }
      return "expected a TypeError";
    },
  },
  {
    name: "retries after an unparsable Retry-After, with the back-off",
    reason: "urllib3 throws `InvalidHeader` and gives up a request that could have been retried",
    applies: (place) => isStepwise(place) && hasInvalidHeader(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkOurSleeps(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "ignores Retry-After on a redirect if `respectRetryAfterHeader` is false",
    reason: "urllib3's pool waits whatever `respect_retry_after_header` says",
    applies: (place) => isStepwise(place) && waitsUnasked(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkOurSleeps(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "repeats QUERY by default",
    reason: "QUERY is idempotent by its own definition; urllib3's default is older than the method",
    applies: (place) => isStepwise(place) && refusesQuery(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkWithoutQuery(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "reads a Retry-After of any number of digits",
    reason:
      "the value is valid and means the longest allowed wait; Python rejects integers of more than 4300 digits",
    applies: (place) => ofRetryAfter(place) && /^\d+$/.test(vectorOf(place.vector).value),
    instead: (vector) => reads(vector, longest(vector)),
  },
  {
    name: "reads a two-digit year as at most 50 years ahead",
    reason: "RFC 9110 §5.6.7 requires it; Python always splits the centuries between 68 and 69",
    applies: (place) => ofRetryAfter(place) && delayByRfc(place.vector) !== undefined,
    instead: (vector) => reads(vector, delayByRfc(vector)),
  },
  {
    name: "reads a timestamp as Retry-After",
    reason: "servers send RFC 3339 timestamps, and the meaning is clear; urllib3 rejects them",
    applies: (place) => ofRetryAfter(place) && timestamp.test(vectorOf(place.vector).value),
    instead: (vector) => {
      const { value, now } = vectorOf(vector);
      return reads(vector, Math.min(Math.max(0, Date.parse(value) / 1_000 - now), longest(vector)));
    },
  },
  {
    name: "reads a Retry-After with a fraction of a second",
    reason: "servers send it (Discord, Shopify, OpenAI), and its meaning is clear",
    applies: (place) => ofRetryAfter(place) && /^\d+\.\d+$/.test(vectorOf(place.vector).value),
    instead: (vector) => reads(vector, Math.min(Number(vectorOf(vector).value), longest(vector))),
  },
  {
    name: "uses the longest of several Retry-After values",
    reason: "a proxy may have joined two lines, and only the longest wait satisfies both (RFC 9110 §5.3)",
    applies: (place) => ofRetryAfter(place) && /^\d+(?:, ?\d+)+$/.test(vectorOf(place.vector).value),
    instead: (vector) => {
      const values = vectorOf(vector).value.split(",").map(Number);
      return reads(vector, Math.min(Math.max(...values), longest(vector)));
    },
  },
  {
    name: "parses malformed dates with a stricter grammar",
    reason:
      "Python's parser of mail dates accepts 31 February and 25:61 as dates; here such a value falls back to the back-off",
    applies: (place) =>
      ofRetryAfter(place) &&
      !vectorOf(place.vector).conformant &&
      looksLikeDate(vectorOf(place.vector).value),
    instead: (vector) => {
      const got = readBy(vector);
      const mayBeRead =
        hasWholeTime(vectorOf(vector).value) && Number(got) >= 0 && Number(got) <= longest(vector);
      return got === undefined || mayBeRead ? undefined : `got ${got} s`;
    },
  },
  {
    name: "matches a mounted prefix up to the end of the host",
    reason:
      "otherwise `https://api.test` would also serve `https://api.test.evil.example/`, with credentials",
    applies: ({ file, vector }) => file === "requests-mount.json" && hasCutHost(vector),
    instead: (vector) => checkWholeHosts(vector),
  },
  {
    name: "keeps the body of a redirected request that keeps its method",
    reason:
      "requests repeats a PUT after a 301 without its body, which stores nothing and looks like success (RFC 9110 §15.4)",
    applies: ({ section, vector: { status, method, next_method } }) =>
      section === "redirect_method" && (status === 301 || status === 302) && method === next_method,
    instead: (vector) => checkRedirect(vector, true),
  },
  {
    name: "accepts an address with a port, and a bracketed IPv6 address, in no_proxy",
    reason: "URLs write them so; requests finds neither, and sends the request through the proxy",
    applies: ({ section, vector }) =>
      section === "proxy" && noProxyOf(vector).some((list) => /\[[\da-f:]+\]|(?:\d+\.){3}\d+:\d+/.test(list)),
    instead: (vector) =>
      difference(chosenBy({ ...vector, trust_env: false }).chosen, chosenBy(vector).chosen),
  },
  {
    name: "matches the default port in no_proxy",
    reason:
      "`https://a.test/` and `https://a.test:443/` are the same; requests compares the strings, and sends one of them through the proxy",
    applies: ({ section, vector }) => section === "proxy" && namesOwnPort(vector),
    instead: (vector) => {
      const direct = chosenBy({ ...vector, trust_env: false }).chosen;
      return difference({ chosen: direct, bypassed: true }, chosenBy(vector));
    },
  },
  {
    name: "throws no error of a lower layer",
    reason: "requests passes some of urllib3's errors on unmapped",
    applies: ({ section, vector }) =>
      section === "errors" && vector["passes_through"] === true && existsHere(vector["urllib3"]),
    instead: ({ phase, urllib3 }) => {
      const error = errorFor(String(phase), String(urllib3));
      return error instanceof HoldfastError ? undefined : `got ${String(error)}`;
    },
  },
  {
    name: "keeps the class of a failure after the last retry, and in the body",
    reason: "a timeout and an undecodable body need different handling from a broken connection",
    applies: ({ section, vector: { urllib3, requests } }) =>
      section === "errors" &&
      requests === "ConnectionError" &&
      /ReadTimeoutError|DecodeError/.test(String(urllib3)),
    instead: ({ phase, urllib3 }) => {
      const [name] = /ReadTimeoutError|DecodeError/.exec(String(urllib3)) ?? [];
      return difference(name, errorFor(String(phase), String(urllib3))?.name);
    },
  },
  {
    name: "has no error for a full or closed pool, nor for an unreadable header",
    reason:
      "a request waits for a free connection within `attempt` and `total`, and a malformed Retry-After is not an error",
    applies: ({ section, vector }) => section === "errors" && !existsHere(vector["urllib3"]),
    instead: ({ phase, urllib3 }) => difference(undefined, errorFor(String(phase), String(urllib3))),
  },
];

function looksLikeDate(value: string): boolean {
  return /jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/i.test(value) && /\d/.test(value);
}

function hasWholeTime(value: string): boolean {
  return /(?:^|\s)\d{1,2}:\d{2}(?::\d{2})?(?:\s|$)/.test(value);
}

function listsText({ config, retries }: Vector): boolean {
  const { status_forcelist: listed } = { ...((config ?? retries) as Config) };
  return Array.isArray(listed) && listed.some((status) => typeof status === "string");
}

function namesOwnPort(vector: Vector): boolean {
  const { protocol, port, hostname } = new URL(String(vector["url"]));
  if (port !== "" || /^[a-z]+:\/\/[^/]*:\d+\//i.test(String(vector["url"]))) return false;
  const own = `${hostname}:${protocol === "https:" ? "443" : "80"}`;
  return noProxyOf(vector).some((list) =>
    list.split(",").some((entry) => `.${own}`.endsWith(`.${bare(entry)}`)),
  );
}

function bare(entry: string): string {
  return entry.trim().toLowerCase().replace(/^\.+/, "");
}

function isStepwise({ file, section }: Place): boolean {
  return file === "urllib3-retry.json" && section === "cases";
}

function ofRetryAfter({ file }: Place): boolean {
  return file === "retry-after.json";
}

function existsHere(name: unknown): boolean {
  return !["ClosedPoolError", "EmptyPoolError", "InvalidHeader"].includes(String(name));
}
