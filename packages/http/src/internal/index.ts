// The entry for the other packages of this repository. It is not documented and may change in any release.
export { summarizeError } from "../model/attempt-record.ts";
export { readNetrc } from "../auth/netrc.ts";
export { Cookies } from "../model/cookies.ts";
export { hasHeader } from "../model/response.ts";
export {
  formatProxyLabel,
  formatProxyUrl,
  isHost,
  parseProxyAddress,
  type ProxyAddress,
} from "../proxy/route/address.ts";
export { bypasses } from "../proxy/route/environment.ts";
export { withOwnErrors } from "../support/own-error.ts";
export { lookBeforeLimit } from "../support/limit-timer.ts";
export { onAbort, waitBounded, type WaitBounds } from "../support/bounded-wait.ts";
export {
  aFunction,
  type Check,
  type Checks,
  integer,
  duration,
  flag,
  objectWithMethods,
  isFunction,
  isObject,
  kind,
  describeKind,
  listOf,
  options,
  type Problem,
  refuse,
  quote,
} from "../support/validate.ts";
export { warn } from "../support/warning.ts";
