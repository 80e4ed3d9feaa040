import { readFileSync } from "node:fs";
import * as u from "/work/main/test/conformance/urllib3-urlopen.ts";
import { allRules } from "/work/main/test/conformance/urllib3-urlopen-model.ts";
const j = JSON.parse(readFileSync("/work/main/test/conformance/vectors/urllib3-urlopen.json", "utf8"));
let last = ""; process.on("exit", () => console.log("last", last)); let model = 0, plain = 0, by = 0, un=0; const shown = { m: 0, b: 0, u:0 };
const per: Record<string, number> = {};
for (const v of j.cases) {
  last = v.id; const m = u.checkModel(v, j.meta);
  if (m !== undefined) { model++; if (shown.m++ < 8) console.log("MODEL", v.id, v.level, m); }
  const p = await Promise.resolve(u.urllib3Urlopen["cases"]!(v, j.meta)).catch((e) => "threw " + e.stack);
  if (p === undefined) continue;
  plain++;
  const b = await u.checkByRules(v, j.meta).catch((e) => "threw " + e.stack);
  if (b !== undefined) { by++; if (shown.b++ < 12) console.log("RULES", v.id, v.level, b); }
  else { const r=[...allRules].find((r) => u.makesADifference(v, r)); if(!r){un++; if(shown.u++<5)console.log("NORULE",v.id,p)} else per[r]=(per[r]??0)+1; }
}
console.log({ model, plain, by, un }, per);
