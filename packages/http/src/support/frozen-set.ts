/** A set that throws a TypeError on every change. */
class FrozenSet<T> extends Set<T> {
  constructor(values: Iterable<T>) {
    super(values);
    Object.freeze(this);
  }

  override add(value: T): this {
    // The constructor of Set adds the members by this method.
    return Object.isFrozen(this) ? unchangeable() : super.add(value);
  }

  override delete(): never {
    return unchangeable();
  }

  override clear(): never {
    return unchangeable();
  }
}

function unchangeable(): never {
  throw new TypeError("The sets of a Retry cannot be changed: create a new Retry with retry.new({ … })");
}

/** Returns an immutable set of the values, or the same set if it is immutable already. */
export function frozenSet<T>(values: Iterable<T>): ReadonlySet<T> {
  return values instanceof FrozenSet ? values : new FrozenSet(values);
}
