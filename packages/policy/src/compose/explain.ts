import type { AnyPolicy, Explanation } from "../core/policy.ts";

/** Prints what a policy does, a line for each policy inside it, the inner ones indented below. */
export function explain(policy: AnyPolicy): string {
  return linesOf(policy.explain()).join("\n");
}

function linesOf({ policy, ...settings }: Explanation): readonly string[] {
  const own = Object.entries(settings).filter(([, value]) => !isNested(value));
  const inner = Object.values(settings).filter(isNested).flat();
  const line = [policy, own.map(([name, value]) => `${name} ${print(value)}`).join(", ")]
    .filter(Boolean)
    .join(": ");
  return [line, ...inner.flatMap((explanation) => linesOf(explanation).map((text) => `  ${text}`))];
}

function isNested(value: unknown): value is readonly Explanation[] {
  return (
    Array.isArray(value) &&
    value.every((item: unknown) => typeof item === "object" && item !== null && "policy" in item)
  );
}

function print(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
