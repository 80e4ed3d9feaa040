/** One case of a vector file: an optional `id`, and the fields of its adapter. */
export type Vector = Readonly<Record<string, unknown>> & { readonly id?: string };

/** The facts about all cases of a vector file: the constants of the library. */
export type Meta = Readonly<Record<string, unknown>>;

/** Runs one case through holdfast; returns the difference from the reference, or undefined. */
export type Check = (vector: Vector, meta: Meta) => string | undefined | Promise<string | undefined>;

/** The checks for one kind of file, by section. */
export type Adapter = Readonly<Record<string, Check>>;
