import type { Deviation } from "./deviations.ts";
import { checkByRules, makesADifference } from "./urllib3-urlopen.ts";
import type { Rule } from "./urllib3-urlopen-model.ts";

interface Row {
  readonly rules: readonly Rule[];
  readonly name: string;
  readonly reason: string;
}

const rows: readonly Row[] = [
  {
    rules: ["unparsable-delay"],
    name: "in a whole call, too, retries after an unparsable Retry-After with the back-off",
    reason: "urllib3 throws `InvalidHeader` and gives up a request that could have been retried",
  },
  {
    rules: ["patience"],
    name: "ends the call at a Retry-After beyond `retryAfterMax`, and returns the response with `retryAt`",
    reason: "urllib3 waits for the maximum and repeats the request too early",
  },
  {
    rules: ["redirect-delay"],
    name: "waits for Retry-After on a redirect exactly if `respectRetryAfterHeader` is true",
    reason: "urllib3's pool always waits, and its manager never does",
  },
  {
    rules: ["redirect-delay", "patience"],
    name: "ends the call at a Retry-After beyond `retryAfterMax` on a redirect",
    reason:
      "urllib3's manager does not wait at all, and its pool waits for the maximum; both send the next request too early",
  },
  {
    rules: ["listed-redirect"],
    name: "retries a redirect with a listed status first, as requests does",
    reason: "urllib3 follows it, whatever `status_forcelist` says",
  },
  {
    rules: ["total-off"],
    name: "returns a listed status under `total: false`",
    reason: "urllib3 raises `MaxRetryError` although retries are switched off",
  },
  {
    rules: ["redirect-as-status"],
    name: "counts a redirect that is retried, and not followed, as a status",
    reason: "it was retried for its status; urllib3 subtracts it from the redirects",
  },
  {
    rules: ["listed-redirect", "redirect-as-status"],
    name: "counts a redirect that is retried for its status as a status until it is followed",
    reason: "the counter follows the action; urllib3 counts a redirect and follows it",
  },
  {
    rules: ["body-after-303"],
    name: "follows a 303 after a streamed body",
    reason: "urllib3's pool tries to rewind the body that it has just dropped (`ValueError`)",
  },
  {
    rules: ["body-rewound"],
    name: "sends a whole file again after a redirect",
    reason: "urllib3's manager has lost the position where the file began, and sends nothing",
  },
  {
    rules: ["relative-location"],
    name: "resolves a relative Location against the URL of the response",
    reason: "urllib3's pool sends it as it is, which is not a request target (RFC 9110 §10.2.2)",
  },
  {
    rules: ["method-after-redirect"],
    name: "changes the method at 301 and 302 as requests does, and keeps HEAD",
    reason:
      "urllib3 changes it only at 303, which sends a POST twice, and it turns HEAD into GET, which requests a body",
  },
  {
    rules: ["credentials-kept"],
    name: "drops credentials, also in headers such as X-API-Secret, if the host or port changes or https becomes http, and only then",
    reason:
      "urllib3 forwards headers that `remove_headers_on_redirect` does not name, and drops credentials from http to https of one host and before a relative Location",
  },
  {
    rules: ["counters-kept"],
    name: "keeps the retry count across a redirect",
    reason: "urllib3's manager starts each request with the counters of the last redirect",
  },
  {
    rules: ["damaged-body"],
    name: "treats an undecodable body as a failed attempt",
    reason: "urllib3 throws the error without a retry; damage in transit is temporary",
  },
  {
    rules: ["not-http"],
    name: "does not repeat a request after a reply that is not HTTP",
    reason: "the port or the scheme is wrong, and no retry repairs that; urllib3 counts a broken connection",
  },
];

/** Deliberate deviations of a session from urllib3's `urlopen` in whole calls. */
export const urlopenDeviations: readonly Deviation[] = rows.map(({ rules, name, reason }) => ({
  name,
  reason,
  applies: ({ file, vector }) => file === "urllib3-urlopen.json" && makesADifference(vector, rules),
  instead: checkByRules,
}));
