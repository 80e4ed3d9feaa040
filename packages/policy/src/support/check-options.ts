/** The type of an option's value: a result of `typeof`; `any` for a value that is validated elsewhere. */
export type OptionType = "function" | "object" | "string" | "boolean" | "number" | "any";

/** The types of all options of `T`. */
export type OptionTypes<T> = Readonly<Record<keyof T, OptionType>>;

/**
 * Validates the names and the types of options. `name` is the function in the message.
 *
 * @throws TypeError for an unknown option or a value of the wrong type.
 */
export function checkOptions(
  name: string,
  options: object,
  types: Readonly<Record<string, OptionType>>,
): void {
  const known = new Map(Object.entries(types));
  for (const [option, value] of Object.entries<unknown>({ ...options })) {
    const type = known.get(option);
    if (type === undefined)
      throw new TypeError(`${name} has no option "${option}": it has ${[...known.keys()].join(", ")}`);
    if (value !== undefined && type !== "any" && typeof value !== type)
      throw new TypeError(`${name}.${option} must be ${describeType(type)}, got ${describeValue(value)}`);
  }
}

function describeType(type: string): string {
  return type === "object" ? "an object" : `a ${type}`;
}

/** Describes a value without its content, unless it is a number or a boolean. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : describeType(typeof value);
}
