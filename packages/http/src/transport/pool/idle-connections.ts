/** A connection in the list of idle connections. Only the list sets these fields. */
export interface IdleConnection {
  isListedIdle: boolean;
  nextIdle: IdleConnection | undefined;
  previousIdle: IdleConnection | undefined;
  /** Accepts no further request. */
  stopAccepting(): void;
  /** Closes the socket. */
  destroy(): void;
}

/**
 * The idle connections of all origins, the longest idle first. Beyond their maximum, the longest idle one is closed. The list
 * is linked through the connections: for a request it costs a few pointer writes and no allocation.
 */
export class IdleConnections {
  readonly #max: number;
  #first: IdleConnection | undefined;
  #last: IdleConnection | undefined;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a connection that has just become idle. May close it, if no idle connection is allowed. */
  add(connection: IdleConnection): void {
    if (connection.isListedIdle) return;
    connection.isListedIdle = true;
    connection.previousIdle = this.#last;
    if (this.#last === undefined) this.#first = connection;
    else this.#last.nextIdle = connection;
    this.#last = connection;
    this.#size += 1;
    if (this.#size > this.#max) this.#closeFirst();
  }

  /** Removes a connection that carries a request or has closed. */
  remove(connection: IdleConnection): void {
    if (!connection.isListedIdle) return;
    const { nextIdle: next, previousIdle: previous } = connection;
    if (previous === undefined) this.#first = next;
    else previous.nextIdle = next;
    if (next === undefined) this.#last = previous;
    else next.previousIdle = previous;
    connection.nextIdle = undefined;
    connection.previousIdle = undefined;
    connection.isListedIdle = false;
    this.#size -= 1;
  }

  /** Closes all idle connections. */
  closeAll(): void {
    while (this.#first !== undefined) this.#closeFirst();
  }

  #closeFirst(): void {
    const first = this.#first;
    if (first === undefined) return;
    this.remove(first);
    first.stopAccepting();
    first.destroy();
  }
}
