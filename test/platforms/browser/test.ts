type Spy = ((...args: unknown[]) => unknown) & { readonly mock: { readonly callCount: () => number } };

/** The part of the test context of `node:test` that the package's tests use. */
interface Context {
  after(run: () => unknown): void;
  readonly mock: {
    fn(): Spy;
    method(object: object, name: string): Spy;
  };
}

type Body = (context: Context) => unknown;

/** The result of the suite. */
export interface SuiteResult {
  readonly passed: number;
  readonly failures: readonly string[];
}

const registered: { readonly name: string; readonly body: Body }[] = [];

/** Registers a test, as `node:test` does. `runSuite` runs it. */
export function test(name: string, body: Body): void {
  registered.push({ name, body });
}

/** Returns a function that counts its calls and passes them on, including calls with `new`. */
function createSpy(original: (...args: unknown[]) => unknown): Spy {
  let calls = 0;
  const spy = function (...args: unknown[]): unknown {
    calls += 1;
    return new.target === undefined ? original(...args) : Reflect.construct(original, args);
  };
  return Object.assign(spy, { mock: { callCount: () => calls } });
}

function createContext(after: (() => unknown)[]): Context {
  const runAfter = (run: () => unknown): void => void after.push(run);
  const method = (object: object, name: string): Spy => {
    const original = Reflect.get(object, name) as (...args: unknown[]) => unknown;
    const spy = createSpy(original);
    Reflect.set(object, name, spy);
    runAfter(() => Reflect.set(object, name, original));
    return spy;
  };
  return { after: runAfter, mock: { fn: () => createSpy(() => undefined), method } };
}

async function runSuite(): Promise<SuiteResult> {
  const failures: string[] = [];
  for (const { name, body } of registered) {
    const after: (() => unknown)[] = [];
    try {
      await body(createContext(after));
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    for (const run of after) await run();
  }
  return { passed: registered.length - failures.length, failures };
}

Object.assign(globalThis, { runSuite });
