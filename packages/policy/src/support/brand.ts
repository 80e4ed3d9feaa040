/** A class, abstract or not. */
export type BrandedClass = (abstract new (...args: never[]) => object) & { readonly prototype: object };

const brands = new WeakMap<object, symbol>();

/**
 * Names a class, so that `isBranded` recognises the instances of the same class in another copy of the package. `kinds` are
 * the names of further classes that recognise its instances.
 */
export function brandClass(target: BrandedClass, name: string, ...kinds: readonly string[]): void {
  brands.set(target, brandOf(name));
  for (const one of [name, ...kinds]) Object.defineProperty(target.prototype, brandOf(one), { value: true });
}

function brandOf(name: string): symbol {
  return Symbol.for(`@holdfast/${name}`);
}

/** Returns whether a value is an instance of a class of this copy of the package: `instanceof` without brands. */
export function isOwnInstance(target: BrandedClass, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(target, value);
}

/**
 * Returns whether a value is an instance of a class, or of the class with the same name in another copy of the package. A
 * class that extends a named one has no name, so only its own instances count.
 */
export function isBranded(target: BrandedClass, value: unknown): boolean {
  const brand = brands.get(target);
  if (brand === undefined) return isOwnInstance(target, value);
  return typeof value === "object" && value !== null && brand in value;
}
