type Spy = ((...args: unknown[]) => unknown) & { readonly mock: { readonly callCount: () => number } };

/** What a test may ask of its context: what the package's tests ask of `node:test`. */
interface Context {
  after(run: () => unknown): void;
  readonly mock: {
    fn(): Spy;
    method(object: object, name: string): Spy;
  };
}

type Body = (context: Context) => unknown;

/** What running the suite came to. */
export interface Tally {
  readonly passed: number;
  readonly failures: readonly string[];
}

const registered: { readonly name: string; readonly body: Body }[] = [];

/** Notes a test, as `node:test` would; `runSuite` runs it. */
export function test(name: string, body: Body): void {
  registered.push({ name, body });
}

/** A function that counts its calls, and passes them on, `new` included. */
function spyOn(original: (...args: unknown[]) => unknown): Spy {
  let calls = 0;
  const spy = function (...args: unknown[]): unknown {
    calls += 1;
    return new.target === undefined ? original(...args) : Reflect.construct(original, args);
  };
  return Object.assign(spy, { mock: { callCount: () => calls } });
}

function contextOf(after: (() => unknown)[]): Context {
  const later = (run: () => unknown): void => void after.push(run);
  const method = (object: object, name: string): Spy => {
    const original = Reflect.get(object, name) as (...args: unknown[]) => unknown;
    const spy = spyOn(original);
    Reflect.set(object, name, spy);
    later(() => Reflect.set(object, name, original));
    return spy;
  };
  return { after: later, mock: { fn: () => spyOn(() => undefined), method } };
}

async function runSuite(): Promise<Tally> {
  const failures: string[] = [];
  for (const { name, body } of registered) {
    const after: (() => unknown)[] = [];
    try {
      await body(contextOf(after));
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    for (const run of after) await run();
  }
  return { passed: registered.length - failures.length, failures };
}

Object.assign(globalThis, { runSuite });
