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

/** Where the rules of HTTP differ from urllib3's and requests' on purpose. */
export const httpDeviations: readonly Deviation[] = [
  {
    name: "a listed status that is no number is refused",
    reason: 'urllib3 takes `"503"` and never matches it; a mistake is told where it is made',
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
    name: "an unparsable Retry-After loses its timing, not the retry",
    reason: "urllib3 throws `InvalidHeader` and gives up a request that could have been retried",
    applies: (place) => isStepwise(place) && hasInvalidHeader(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkOurSleeps(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "Retry-After on a redirect is not waited for when it is not to be respected",
    reason: "urllib3's pool waits all the same, whatever `respect_retry_after_header` says",
    applies: (place) => isStepwise(place) && waitsUnasked(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkOurSleeps(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "QUERY is among the methods that may be sent again unless told otherwise",
    reason: "it is idempotent by its own definition; urllib3's default is older than it",
    applies: (place) => isStepwise(place) && refusesQuery(place.vector as unknown as RetryVector),
    instead: (vector, meta) => checkWithoutQuery(vector, Number(meta["now"]) * 1_000),
  },
  {
    name: "a Retry-After of any number of digits is read",
    reason:
      "it is valid, and means the longest wait that is allowed; Python refuses integers of more than 4300 digits",
    applies: (place) => ofRetryAfter(place) && /^\d+$/.test(vectorOf(place.vector).value),
    instead: (vector) => reads(vector, longest(vector)),
  },
  {
    name: "a year of two digits is never more than 50 years ahead",
    reason: "RFC 9110 §5.6.7 says so; Python splits the centuries between 68 and 69, whatever year it is",
    applies: (place) => ofRetryAfter(place) && delayByRfc(place.vector) !== undefined,
    instead: (vector) => reads(vector, delayByRfc(vector)),
  },
  {
    name: "a Retry-After with a fraction of a second is read",
    reason: "servers send it (Discord, Shopify, OpenAI), and its meaning is plain",
    applies: (place) => ofRetryAfter(place) && /^\d+\.\d+$/.test(vectorOf(place.vector).value),
    instead: (vector) => reads(vector, Math.min(Number(vectorOf(vector).value), longest(vector))),
  },
  {
    name: "of several Retry-After values the longest counts",
    reason: "a proxy may have joined two lines; to wait for the longest undercuts none (RFC 9110 §5.3)",
    applies: (place) => ofRetryAfter(place) && /^\d+(?:, ?\d+)+$/.test(vectorOf(place.vector).value),
    instead: (vector) => {
      const values = vectorOf(vector).value.split(",").map(Number);
      return reads(vector, Math.min(Math.max(...values), longest(vector)));
    },
  },
  {
    name: "a malformed date is read by a stricter, and a different, grammar",
    reason:
      "Python's parser of mail dates invents days such as 31 February and hours such as 25:61; what is no date loses its timing",
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
    name: "a mounted prefix ends where a host ends",
    reason: "`https://api.test` would also serve `https://api.test.evil.example/`, credentials and all",
    applies: ({ file, vector }) => file === "requests-mount.json" && hasCutHost(vector),
    instead: (vector) => checkWholeHosts(vector),
  },
  {
    name: "a redirected request that keeps its method keeps its body",
    reason:
      "requests sends a PUT on after a 301 without its body, which stores nothing and looks like success (RFC 9110 §15.4)",
    applies: ({ section, vector: { status, method, next_method } }) =>
      section === "redirect_method" && (status === 301 || status === 302) && method === next_method,
    instead: (vector) => checkRedirect(vector, true),
  },
  {
    name: "no_proxy may name an address with its port, or an IPv6 address in brackets",
    reason:
      "that is how URLs write them; requests looks for neither, and sends the request through the proxy",
    applies: ({ section, vector }) =>
      section === "proxy" && noProxyOf(vector).some((list) => /\[[\da-f:]+\]|(?:\d+\.){3}\d+:\d+/.test(list)),
    instead: (vector) =>
      difference(chosenBy({ ...vector, trust_env: false }).chosen, chosenBy(vector).chosen),
  },
  {
    name: "no_proxy may name the port that a URL leaves out",
    reason:
      "`https://a.test/` and `https://a.test:443/` are the same; requests compares the texts, and sends one of them through the proxy",
    applies: ({ section, vector }) => section === "proxy" && namesOwnPort(vector),
    instead: (vector) => {
      const direct = chosenBy({ ...vector, trust_env: false }).chosen;
      return difference({ chosen: direct, bypassed: true }, chosenBy(vector));
    },
  },
  {
    name: "no error of a lower layer reaches the caller",
    reason: "requests lets some of urllib3's errors through unmapped",
    applies: ({ section, vector }) =>
      section === "errors" && vector["passes_through"] === true && existsHere(vector["urllib3"]),
    instead: ({ phase, urllib3 }) => {
      const error = errorFor(String(phase), String(urllib3));
      return error instanceof HoldfastError ? undefined : `got ${String(error)}`;
    },
  },
  {
    name: "a failure keeps its class when the retries are used up, and in the body",
    reason:
      "a caller who wants to know of a timeout, or of a body that cannot be decoded, must not be told of a broken connection",
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
    name: "there is no error for a full or closed pool, nor for a header that cannot be read",
    reason:
      "a request waits for a free connection as long as its limits `attempt` and `total` let it, and a malformed Retry-After is no error",
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
