/** A set that stays what it was made of: whoever tries to change it gets a TypeError. */
class FrozenSet<T> extends Set<T> {
  constructor(values: Iterable<T>) {
    super(values);
    Object.freeze(this);
  }

  override add(value: T): this {
    // The platform's constructor adds the members by this method.
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
  throw new TypeError("This set cannot be changed: make a new Retry of it, retry.new({ … })");
}

/** Gives the values as a set that nobody can change: the same one, where it is such a set already. */
export function frozenSet<T>(values: Iterable<T>): ReadonlySet<T> {
  return values instanceof FrozenSet ? values : new FrozenSet(values);
}
