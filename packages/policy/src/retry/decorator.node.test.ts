import assert from "node:assert/strict";
import { test } from "node:test";
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
