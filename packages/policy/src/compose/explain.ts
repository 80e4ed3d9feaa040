import type { AnyPolicy, Explanation } from "../core/policy.ts";

/** Describes a policy as text: one line per policy, with inner policies indented below. */
export function explain(policy: AnyPolicy): string {
  return formatLines(policy.explain()).join("\n");
}

function formatLines({ policy, ...settings }: Explanation): readonly string[] {
  const own = Object.entries(settings).filter(([, value]) => !isNested(value));
  const inner = Object.values(settings).filter(isNested).flat();
  const line = [policy, own.map(([name, value]) => `${name} ${formatSetting(value)}`).join(", ")]
    .filter(Boolean)
    .join(": ");
  return [line, ...inner.flatMap((explanation) => formatLines(explanation).map((text) => `  ${text}`))];
}

function isNested(value: unknown): value is readonly Explanation[] {
  return (
    Array.isArray(value) &&
    value.every((item: unknown) => typeof item === "object" && item !== null && "policy" in item)
  );
}

function formatSetting(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
