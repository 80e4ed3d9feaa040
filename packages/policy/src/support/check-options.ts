/** The type of an option's value: a result of `typeof`; `any` for a value that is validated elsewhere. */
export type OptionType = "function" | "object" | "string" | "boolean" | "number" | "any";

/** A type with an example of a value, and the names of other libraries for the option, separated by spaces. */
export type ExplainedType = readonly [type: OptionType, example: string, names: string];

/** The types of all options of `T`. */
export type OptionTypes<T> = Readonly<Record<keyof T, OptionType | ExplainedType>>;

/**
 * Validates the names and the types of options. `name` is the function in the message.
 *
 * @throws TypeError for a value that is not an object, an unknown option or a value of the wrong type.
 */
export function checkOptions(
  name: string,
  options: object,
  types: Readonly<Record<string, OptionType | ExplainedType>>,
): void {
  const known = new Map(Object.entries(types).map(([option, type]) => [option, [type].flat()]));
  const all = [...known.keys()].join(", ");
  if (!isOptions(options)) throw new TypeError(`${name} takes { ${all} }, got ${describeValue(options)}`);
  for (const [option, value] of Object.entries<unknown>({ ...options })) {
    const [type, example] = known.get(option) ?? [];
    if (type === undefined)
      throw new TypeError(
        `${name} has no option "${option}": ${replacement(option, known) ?? `it has ${all}`}`,
      );
    if (value !== undefined && type !== "any" && typeof value !== type)
      throw new TypeError(
        `${name}.${option} must be ${describeType(type)}${suchAs(example)}, got ${describeValue(value)}`,
      );
  }
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function replacement(option: string, known: ReadonlyMap<string, readonly string[]>): string | undefined {
  for (const [ours, [, example, names]] of known)
    if (names?.split(" ").includes(option)) return `did you mean ${ours}${suchAs(example)}?`;
  return undefined;
}

function suchAs(example: string | undefined): string {
  return example === undefined ? "" : `, such as ${example}`;
}

function describeType(type: string): string {
  return type === "object" ? "an object" : `a ${type}`;
}

/** Describes a value without its content, unless it is a number or a boolean. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : describeType(typeof value);
}
