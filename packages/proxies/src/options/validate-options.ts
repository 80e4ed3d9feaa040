import { ownValue } from "@holdfast/policy/internal";
import {
  aFunction,
  integer,
  duration,
  flag,
  objectWithMethods,
  isFunction,
  isObject,
  kind,
  listOf,
  options,
  type Check,
} from "@holdfast/http/internal";
import type { FetchedProxies, ProxyEnvironment, ProxyFile, ProxyPoolOptions, ProxyTier } from "./options.ts";
import { rotations } from "../rules/rotation.ts";

const aString = kind({ wanted: "a string", fits: (value) => typeof value === "string" });
const anything: Check = () => undefined;

function amount(wanted: string, most = Infinity): Check {
  return kind({
    wanted,
    fits: (value) => typeof value === "number" && value >= 0 && value <= most,
    type: "number",
  });
}

/** Checks the options of a pool. */
export const poolOptionsCheck: Check = options<ProxyPoolOptions>(
  {
    rotation: kind({
      wanted: `a function or one of ${Object.keys(rotations).join(", ")}`,
      fits: (value) => isFunction(value) || (typeof value === "string" && Object.hasOwn(rotations, value)),
    }),
    cooldown: duration,
    maxCooldown: duration,
    retireAfter: integer(1),
    sticky: kind({ wanted: '"host" or a function', fits: (value) => value === "host" || isFunction(value) }),
    userAgents: listOf(aString, "a list of strings"),
    maxIdentities: integer(1),
    identityIdle: duration,
    whenEmpty: kind({ wanted: '"fail" or "wait"', fits: (value) => value === "fail" || value === "wait" }),
    rotatesPerConnection: flag,
    isBlocked: aFunction,
    minSuccessRate: amount("a share from 0 to 1", 1),
    on: aFunction,
    clock: objectWithMethods("a clock", ["now", "date", "sleep"]),
    random: aFunction,
  },
  {
    rotate: "rotation",
    strategy: "rotation",
    rotating: "rotatesPerConnection",
    rest: "cooldown",
    restMax: "maxCooldown",
    floor: "minSuccessRate",
  },
);

// Options of the pool that were given with the source.
const misplaced = Object.fromEntries(
  [
    "rotation",
    "cooldown",
    "maxCooldown",
    "retireAfter",
    "sticky",
    "userAgents",
    "maxIdentities",
    "identityIdle",
  ]
    .concat("whenEmpty", "minSuccessRate", "rotatesPerConnection", "isBlocked", "on", "clock", "random")
    .map((name) => [name, `the second argument of ProxyPool, { ${name} }`]),
);

const sources: Readonly<Record<string, Check>> = {
  file: options<ProxyFile>({ file: aString, every: duration }, misplaced),
  fetch: options<FetchedProxies>(
    { fetch: aFunction, every: duration, minAvailable: integer(0), afterCooldowns: integer(1) },
    { ...misplaced, below: "minAvailable", afterRests: "afterCooldowns" },
  ),
  environment: options<ProxyEnvironment>(
    { environment: kind({ wanted: "variables, such as process.env", fits: isObject }), variable: aString },
    misplaced,
  ),
};

const wanted =
  "takes a list of proxies, { file }, { fetch }, { environment }, { tiers } or a function as its first argument";

/** Checks a source of proxies. The entries of a list are validated when it is read. */
export const sourceCheck: Check = (value) => {
  if (Array.isArray(value) || isFunction(value)) return undefined;
  const name = isObject(value) ? Object.keys(sources).find((each) => each in value) : undefined;
  // The value may be a proxy with a password, so the message quotes nothing of it.
  return name === undefined ? { at: "", says: wanted, range: false } : ownValue(sources, name)?.(value);
};

const price = amount("an amount, 0 or more");

/** Checks the tiers of a pool. Their sources are validated when they are opened. */
export const tiersCheck: Check = options<{ tiers: readonly ProxyTier[] }>(
  {
    tiers: listOf(
      options<ProxyTier>({
        name: aString,
        proxies: anything,
        cost: options<NonNullable<ProxyTier["cost"]>>({ perRequest: price, perGb: price }),
        budget: price,
      }),
      "a list of tiers",
    ),
  },
  misplaced,
);
