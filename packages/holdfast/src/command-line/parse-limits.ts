import type { HostLimits } from "@holdfast/runner";
import { ownValue } from "@holdfast/policy/internal";
import { OptionError } from "../process/usage-error.ts";
import { parseDuration, parseWholeNumber, suggestOption } from "./parse-options.ts";

const secondsPerUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** Parses a rate such as `5/s`, `100/m` or `1000/h` into requests per second; undefined stays undefined. */
export function parseRate(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\/([smh])$/.exec(text) ?? [];
  const perSecond = Number(count) / (ownValue(secondsPerUnit, unit) ?? NaN);
  if (perSecond > 0) return perSecond;
  throw new OptionError(option, "must be a rate, such as 5/s, 100/m or 1000/h", text);
}

const limitNames = ["rate", "delay", "per-host"] as const;

/** Parses rules such as `api.example.com rate=2/s per-host=1`, by their hosts; undefined stays undefined. */
export function parseHostRules(
  texts: readonly string[] | undefined,
): Readonly<Record<string, HostLimits>> | undefined {
  return texts === undefined ? undefined : Object.fromEntries(texts.map(parseHostRule));
}

function parseHostRule(text: string): readonly [string, HostLimits] {
  const [host = "", ...limits] = text.trim().split(/\s+/);
  if (host === "" || limits.length === 0 || /[/=]/.test(host))
    throw new OptionError(
      "host-rule",
      "must be a host and its limits, such as 'api.example.com rate=2/s per-host=1'",
      text,
    );
  const values = new Map(limits.map((limit) => splitLimit(limit, text)));
  const rate = parseRate("host-rule", values.get("rate"));
  const delay = parseDuration("host-rule", values.get("delay"));
  const perHost = parseWholeNumber("host-rule", values.get("per-host"), { min: 1, max: 10_000 });
  return [
    host.toLowerCase(),
    {
      ...(rate !== undefined && { rate }),
      ...(delay !== undefined && { delay }),
      ...(perHost !== undefined && { perHost }),
    },
  ];
}

function splitLimit(limit: string, text: string): readonly [string, string] {
  const [name = "", value = ""] = limit.split("=", 2);
  if (limitNames.some((known) => known === name)) return [name, value];
  const suggestion = suggestOption(name, limitNames);
  throw new OptionError(
    "host-rule",
    `has an unknown limit "${name}": ${suggestion === undefined ? `the limits are ${limitNames.join(", ")}` : `did you mean ${suggestion}?`}`,
    text,
  );
}
