import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { retry } from "./retry.ts";
import { waitNone } from "./wait.ts";

test("retry decorates methods with decorator syntax, also static and private ones", async () => {
  const source = `
    export class Service {
      calls = 0;
      @policy async load(factor) {
        this.calls += 1;
        if (this.calls < 3) throw new Error("refused");
        return factor * this.calls;
      }
      @policy #secret() {
        this.calls += 1;
        if (this.calls < 3) throw new Error("refused");
        return "secret";
      }
      reveal() {
        return this.#secret();
      }
      static calls = 0;
      @policy static count() {
        Service.calls += 1;
        if (Service.calls < 2) throw new Error("refused");
        return Service.calls;
      }
    }
    return Service;`;
  const { code } = await transform(`export function define(policy) {${source.replace("export ", "")}}`, {
    target: "es2022",
  });
  interface Service {
    load(factor: number): Promise<number>;
    reveal(): Promise<string>;
  }
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    define: (policy: unknown) => (new () => Service) & { count(): Promise<number> };
  };

  const Decorated = module.define(retry({ wait: waitNone }));

  assert.equal(await new Decorated().load(7), 21);
  assert.equal(await new Decorated().reveal(), "secret");
  assert.equal(await Decorated.count(), 2);
  assert.equal(Decorated.prototype.load.name, "load");
});

const tsc = join(import.meta.dirname, "../../../../node_modules/typescript/bin/tsc");

test("retry decorates methods as TypeScript compiles them with experimentalDecorators", async () => {
  const folder = mkdtempSync(join(tmpdir(), "decorators-"));
  try {
    const file = join(folder, "service.mts");
    writeFileSync(
      file,
      `export function define(policy: any): any {
        class Service {
          calls = 0;
          @policy async load(factor: number): Promise<number> {
            if (++this.calls < 3) throw new Error("refused");
            return factor * this.calls;
          }
          static calls = 0;
          @policy static async count(): Promise<number> {
            if (++Service.calls < 2) throw new Error("refused");
            return Service.calls;
          }
        }
        return Service;
      }`,
    );
    const flags = [
      "--ignoreConfig",
      "--experimentalDecorators",
      "--target",
      "es2022",
      "--module",
      "nodenext",
    ];
    execFileSync(process.execPath, [tsc, ...flags, file]);
    interface Service {
      load(factor: number): Promise<number>;
    }
    const { define } = (await import(pathToFileURL(join(folder, "service.mjs")).href)) as {
      define: (policy: unknown) => (new () => Service) & { count(): Promise<number> };
    };

    const Decorated = define(retry({ wait: waitNone }));

    assert.equal(await new Decorated().load(7), 21);
    assert.equal(await Decorated.count(), 2);
    assert.equal(Decorated.prototype.load.name, "load");
    assert.equal(Object.getOwnPropertyDescriptor(Decorated.prototype, "load")?.enumerable, false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the types of retry accept an async method in a legacy decorator, and map() over functions", async () => {
  const policy = retry({ wait: waitNone });
  const method = { value: async (id: number): Promise<number> => Promise.resolve(id) };
  policy({}, "load", method);
  // @ts-expect-error -- a method that returns no promise would return one
  policy({}, "load", { value: (id: number): number => id });

  const functions = [async () => Promise.resolve(1), async () => Promise.resolve(2)];
  assert.deepEqual(await Promise.all(functions.map((fn) => policy(fn)())), [1, 2]);
});
