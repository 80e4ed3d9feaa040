import { unreadBodyOf, type HttpResponse } from "../model/response.ts";
import { warn } from "../support/warning.ts";
import { judge } from "./judge.ts";
import type { RetryCondition } from "./options.ts";
import { decideByRules, type RetryDecision, type RuleFacts } from "./rules.ts";

/** One attempt of a session, as the retry rules see it. */
export interface AttemptFacts extends Omit<RuleFacts, "response"> {
  /** Absent if the attempt failed without a response. Then `error` says why. */
  readonly response?: HttpResponse | undefined;
}

/** Decides for HTTP whether an attempt is retried, how long to wait, and when to stop. */
export function decideRetry(facts: AttemptFacts): RetryDecision | Promise<RetryDecision> {
  const { when } = facts.retry;
  // `retry.when` may want to read a body that was not read: then status and headers decide.
  if (when === undefined || (facts.response !== undefined && unreadBodyOf(facts.response) !== undefined))
    return decideRetryByHead(facts);
  try {
    const requested = when({ response: facts.response, error: facts.error });
    return typeof requested === "boolean"
      ? decideByRules(toRuleFacts(facts), requested)
      : requested.then(
          (byCondition) => decideByRules(toRuleFacts(facts), byCondition),
          (thrown: unknown) => decideWithoutCondition(facts, thrown),
        );
  } catch (thrown) {
    return decideWithoutCondition(facts, thrown);
  }
}

/**
 * Decides after `retry.when` threw. The usual reason is a condition that reads `response!.status` after an error without a
 * response: that error must stay visible.
 *
 * @throws the error of the condition after a response.
 */
function decideWithoutCondition(facts: AttemptFacts, thrown: unknown): RetryDecision {
  if (facts.response !== undefined) throw thrown;
  const { when } = facts.retry;
  if (when !== undefined && !conditionsThatThrew.has(when)) {
    conditionsThatThrew.add(when);
    warn(conditionWarning, thrown);
  }
  return decideRetryByHead(facts);
}

const conditionWarning = {
  what: "retry.when threw, and the rule decides without it",
  code: "HOLDFAST_CONDITION",
} as const;
// One warning shows the mistake; a warning for each attempt of a long run would bury it.
const conditionsThatThrew = new WeakSet<RetryCondition>();

/** Decides by status and headers alone, without calling `retry.when`. */
export function decideRetryByHead(facts: AttemptFacts): RetryDecision {
  return decideByRules(toRuleFacts(facts), false);
}

function toRuleFacts(facts: AttemptFacts): RuleFacts {
  return { ...facts, response: facts.response === undefined ? undefined : judge(facts.response) };
}
