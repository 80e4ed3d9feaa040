import type { Deviation } from "./deviations.ts";
import { checkByRules, makesADifference } from "./urllib3-urlopen.ts";
import type { Rule } from "./urllib3-urlopen-model.ts";

interface Row {
  readonly rule: Rule;
  readonly name: string;
  readonly reason: string;
}

const rows: readonly Row[] = [
  {
    rule: "unparsable-delay",
    name: "in a whole call, too, an unparsable Retry-After loses its timing, not the retry",
    reason: "urllib3 throws `InvalidHeader` and gives up a request that could have been retried",
  },
  {
    rule: "patience",
    name: "a Retry-After beyond `retryAfterMax` ends the call at once, with the answer and its `retryAt`",
    reason: "urllib3 waits for the maximum and asks too early; a server's wish is never undercut",
  },
  {
    rule: "redirect-delay",
    name: "Retry-After on a redirect is waited for exactly when it is to be respected",
    reason: "urllib3's pool waits even when told not to, and its manager never does",
  },
  {
    rule: "total-off",
    name: "`total: false` hands out a status that is listed",
    reason: "urllib3 raises `MaxRetryError` though retries are switched off",
  },
  {
    rule: "redirect-as-status",
    name: "a redirect that is not followed but retried counts as a status",
    reason: "it was retried for its status; urllib3 takes it from the redirects all the same",
  },
  {
    rule: "body-after-303",
    name: "a 303 after a streamed body is followed",
    reason: "urllib3's pool tries to rewind the body that it has just dropped (`ValueError`)",
  },
  {
    rule: "body-rewound",
    name: "a file that is sent on after a redirect is sent whole",
    reason: "urllib3's manager has forgotten where it began, and sends nothing",
  },
  {
    rule: "relative-location",
    name: "a relative Location is resolved against the URL that answered",
    reason: "urllib3's pool sends it as it is, which is no request target (RFC 9110 §10.2.2)",
  },
  {
    rule: "method-after-redirect",
    name: "301 and 302 change the method as in requests, and a HEAD stays one",
    reason:
      "urllib3 changes it only on 303, which sends a POST twice, and turns HEAD into GET, which asks for a body",
  },
  {
    rule: "credentials-kept",
    name: "credentials stay behind whenever the origin changes, and only then",
    reason:
      "urllib3 forwards them when `remove_headers_on_redirect` is empty, and drops them from http to https of one host, and before a relative Location",
  },
  {
    rule: "counters-kept",
    name: "what the retries before a redirect took stays taken",
    reason: "urllib3's manager starts each request with the counters of the last redirect",
  },
  {
    rule: "damaged-body",
    name: "a body that cannot be decoded is a failed attempt",
    reason: "urllib3 lets the error through without a retry; damage in transit passes",
  },
  {
    rule: "not-http",
    name: "what is not HTTP is not asked again",
    reason: "the port or the scheme is wrong, which no retry cures; urllib3 counts it as a broken connection",
  },
];

/** Where a session differs on purpose from what urllib3's `urlopen` does with a whole call. */
export const urlopenDeviations: readonly Deviation[] = rows.map(({ rule, name, reason }) => ({
  name,
  reason,
  applies: ({ file, vector }) => file === "urllib3-urlopen.json" && makesADifference(vector, rule),
  instead: checkByRules,
}));
