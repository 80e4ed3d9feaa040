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
    name: "in a whole call, too, an unparsable Retry-After loses its timing, not the retry",
    reason: "urllib3 throws `InvalidHeader` and gives up a request that could have been retried",
  },
  {
    rules: ["patience"],
    name: "a Retry-After beyond `retryAfterMax` ends the call at once, with the answer and its `retryAt`",
    reason: "urllib3 waits for the maximum and asks too early; a server's wish is never undercut",
  },
  {
    rules: ["redirect-delay"],
    name: "Retry-After on a redirect is waited for exactly when it is to be respected",
    reason: "urllib3's pool waits even when told not to, and its manager never does",
  },
  {
    rules: ["redirect-delay", "patience"],
    name: "a Retry-After on a redirect beyond `retryAfterMax` ends the call as well",
    reason: "urllib3's manager does not wait at all, and its pool for the maximum; both ask too early",
  },
  {
    rules: ["listed-redirect"],
    name: "a redirect whose status is listed is retried first, as in requests",
    reason: "urllib3 follows it, whatever `status_forcelist` says",
  },
  {
    rules: ["total-off"],
    name: "`total: false` hands out a status that is listed",
    reason: "urllib3 raises `MaxRetryError` though retries are switched off",
  },
  {
    rules: ["redirect-as-status"],
    name: "a redirect that is not followed but retried counts as a status",
    reason: "it was retried for its status; urllib3 takes it from the redirects all the same",
  },
  {
    rules: ["listed-redirect", "redirect-as-status"],
    name: "a redirect that is retried for its status counts as one until it is followed",
    reason: "what is counted is what is done; urllib3 counts and follows a redirect",
  },
  {
    rules: ["body-after-303"],
    name: "a 303 after a streamed body is followed",
    reason: "urllib3's pool tries to rewind the body that it has just dropped (`ValueError`)",
  },
  {
    rules: ["body-rewound"],
    name: "a file that is sent on after a redirect is sent whole",
    reason: "urllib3's manager has forgotten where it began, and sends nothing",
  },
  {
    rules: ["relative-location"],
    name: "a relative Location is resolved against the URL that answered",
    reason: "urllib3's pool sends it as it is, which is no request target (RFC 9110 §10.2.2)",
  },
  {
    rules: ["method-after-redirect"],
    name: "301 and 302 change the method as in requests, and a HEAD stays one",
    reason:
      "urllib3 changes it only on 303, which sends a POST twice, and turns HEAD into GET, which asks for a body",
  },
  {
    rules: ["credentials-kept"],
    name: "credentials stay behind when host or port change or https becomes http, and only then",
    reason:
      "urllib3 forwards them when `remove_headers_on_redirect` is empty, and drops them from http to https of one host, and before a relative Location",
  },
  {
    rules: ["counters-kept"],
    name: "what the retries before a redirect took stays taken",
    reason: "urllib3's manager starts each request with the counters of the last redirect",
  },
  {
    rules: ["damaged-body"],
    name: "a body that cannot be decoded is a failed attempt",
    reason: "urllib3 lets the error through without a retry; damage in transit passes",
  },
  {
    rules: ["not-http"],
    name: "what is not HTTP is not asked again",
    reason: "the port or the scheme is wrong, which no retry cures; urllib3 counts it as a broken connection",
  },
];

/** Where a session differs on purpose from what urllib3's `urlopen` does with a whole call. */
export const urlopenDeviations: readonly Deviation[] = rows.map(({ rules, name, reason }) => ({
  name,
  reason,
  applies: ({ file, vector }) => file === "urllib3-urlopen.json" && makesADifference(vector, rules),
  instead: checkByRules,
}));
