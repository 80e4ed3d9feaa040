/** A class, abstract or not. */
export type BrandedClass = (abstract new (...args: never[]) => object) & { readonly prototype: object };

const brandKey = Symbol.for("@holdfast/class");

/** Names a class, so that instances of the same class in another copy of the package are recognised by `isBranded`. */
export function brandClass(target: BrandedClass, name: string): void {
  Object.defineProperty(target.prototype, brandKey, { value: name });
}

/** Returns whether a value is an instance of a class of this copy of the package: `instanceof` without brands. */
export function isOwnInstance(target: BrandedClass, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(target, value);
}

/**
 * Returns whether a value is an instance of a class, or of the class with the same brand in another copy of the package. A
 * class that extends a branded one has no brand, so only its own instances count.
 */
export function isBranded(target: BrandedClass, value: unknown): boolean {
  if (isOwnInstance(target, value)) return true;
  const name = ownBrand(target.prototype);
  if (name === undefined) return false;
  for (
    let link: unknown = value;
    typeof link === "object" && link !== null;
    link = Object.getPrototypeOf(link)
  )
    if (ownBrand(link) === name) return true;
  return false;
}

function ownBrand(prototype: object): unknown {
  return Object.getOwnPropertyDescriptor(prototype, brandKey)?.value;
}
