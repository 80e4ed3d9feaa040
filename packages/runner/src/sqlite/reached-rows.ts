/** A set of row ids, with one bit a row. */
class RowSet {
  #bits = new Uint8Array(1_024);

  has(id: number): boolean {
    return ((this.#bits[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0;
  }

  add(id: number): void {
    const index = id >>> 3;
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(index + 1, 2 * this.#bits.length));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (id & 7));
  }
}

/** The id of the `list` row for lines that came without a file. */
export const addedLines = 0;

/**
 * The rows that the readings of this process have reached. A row of a list that is being read must not be handed out before:
 * its line may have been removed or corrected. Rows of a list that this process does not read are not held back.
 */
export class ReachedRows {
  readonly #rows = new RowSet();
  /** The lists that this process reads. */
  readonly #lists = new Set<number>();
  #last = 0;
  #openReadings = 0;

  startReading(list: number): void {
    if (list === addedLines) return;
    this.#lists.add(list);
    this.#openReadings += 1;
  }

  endReading(list: number): void {
    if (list !== addedLines) this.#openReadings -= 1;
  }

  has(id: number): boolean {
    return this.#rows.has(id);
  }

  /** Whether the row waits for the reading of its list. */
  isHeldBack(id: number, list: number): boolean {
    return this.#lists.has(list) && !this.#rows.has(id);
  }

  /** Marks a row as reached. */
  add(id: number): void {
    this.#rows.add(id);
    if (id > this.#last) this.#last = id;
  }

  /** The last row that may be handed out now: the readings reach most rows in order. */
  get last(): number {
    return this.#openReadings > 0 ? this.#last : Number.MAX_SAFE_INTEGER;
  }
}
