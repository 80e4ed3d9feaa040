/** Which numbers of one address are in use. */
interface Numbers {
  /** The numbers from here on were never given. */
  next: number;
  /** Numbers below `next` that are free again. */
  readonly free: number[];
  isSorted: boolean;
}

/**
 * Names proxies by their address, and numbers several accounts behind one address: `http://a.test:1`, `http://a.test:1 #2`. A
 * pool that reads the same list again gives the same names, so that they identify a proxy in saved state without its user or
 * password.
 */
export class ProxyLabels {
  readonly #numbers = new Map<string, Numbers>();

  /** Returns the name with the lowest free number. */
  take(address: string): string {
    const numbers = this.#numbers.get(address) ?? { next: 1, free: [], isSorted: true };
    this.#numbers.set(address, numbers);
    if (!numbers.isSorted) numbers.free.sort((a, b) => b - a);
    numbers.isSorted = true;
    const number = numbers.free.pop() ?? numbers.next++;
    return number === 1 ? address : `${address}${mark}${number}`;
  }

  /** Frees a name that `take` returned. */
  release(address: string, label: string): void {
    const numbers = this.#numbers.get(address);
    if (numbers === undefined) return;
    numbers.free.push(label === address ? 1 : Number(label.slice(address.length + mark.length)));
    numbers.isSorted = false;
    if (numbers.free.length === numbers.next - 1) this.#numbers.delete(address);
  }
}

const mark = " #";
