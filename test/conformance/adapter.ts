/** One case of a vector file: `id` where the file gives one, and whatever its adapter reads from it. */
export type Vector = Readonly<Record<string, unknown>> & { readonly id?: string };

/** What a vector file says of all its cases: the library's constants. */
export type Meta = Readonly<Record<string, unknown>>;

/** Runs one case through holdfast; returns the difference from the reference, or undefined. */
export type Check = (vector: Vector, meta: Meta) => string | undefined | Promise<string | undefined>;

/** How one kind of file is played: a check for each of its sections. */
export type Adapter = Readonly<Record<string, Check>>;
