import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LedgerError, type Ledger } from "../ledger/ledger.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { toRunModes } from "./run-folder.ts";
import { openLedger } from "./sqlite-ledger.ts";
import { readLedger } from "./sqlite-ledger-reader.ts";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

function withUmask<T>(umask: number, act: () => T): T {
  const before = process.umask(umask);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}

function fetchOne(ledger: Ledger, n: number): void {
  ledger.plan([{ kind: "job", line: n, method: "GET", url: `https://example.com/${n}` }]);
  for (const lease of ledger.claim(1, { now: 0, max: 9 }))
    ledger.record({
      lease,
      state: { at: "done" },
      advice: "",
      exchange: { status: 200, body: Buffer.from("body"), bytes: 4, attempts: [], elapsed: 0 },
      at: 1,
    });
  ledger.commit();
}

/** The permissions of a folder and of all that is in it. */
function readModes(directory: string): Readonly<Record<string, string>> {
  const names = ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })];
  return Object.fromEntries(
    names.map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]),
  );
}

const isWindows = process.platform === "win32";

describe("the folder of a run", () => {
  it("is created for its owner alone, with all its files, whatever the umask", () => {
    if (isWindows) return;
    for (const umask of [0, 0o022, 0o077, 0o777]) {
      const directory = join(makeRunDirectory(), "out");
      const ledger = withUmask(umask, () => {
        const opened = openLedger(directory);
        fetchOne(opened, 1);
        return opened;
      });

      assert.deepEqual(
        readModes(directory),
        {
          "": "700",
          "ledger.db": "600",
          "ledger.db-shm": "600",
          "ledger.db-wal": "600",
          "lock.db": "600",
          segments: "700",
          [join("segments", "000001.seg")]: "600",
        },
        umask.toString(8),
      );
      ledger.close();
    }
  });

  it("keeps permissions that its owner gave, and gives them to new files", () => {
    if (isWindows) return;
    const directory = join(makeRunDirectory(), "out");
    openLedger(directory).close();
    chmodSync(directory, 0o750);
    chmodSync(join(directory, "ledger.db"), 0o640);
    rmSync(join(directory, "segments"), { recursive: true });

    const ledger = withUmask(0o077, () => openLedger(directory));
    fetchOne(ledger, 1);

    const modes = readModes(directory);
    assert.deepEqual(
      ["", "ledger.db", "ledger.db-wal", "segments", join("segments", "000001.seg")].map(
        (name) => modes[name],
      ),
      ["750", "640", "640", "750", "640"],
    );
    ledger.close();
  });

  it("that existed before gives its files the permissions that somebody chose, but not those of the umask", () => {
    if (isWindows) return;
    const table: readonly (readonly [number, string])[] = [
      [0o755, "600"],
      [0o750, "640"],
      [0o770, "660"],
      [0o700, "600"],
    ];
    for (const [mode, expected] of table) {
      const directory = makeRunDirectory();
      chmodSync(directory, mode);

      withUmask(0o022, () => {
        openLedger(directory).close();
        rmSync(join(directory, "segments"), { recursive: true });
        openLedger(directory).close();
      });

      const modes = readModes(directory);
      assert.deepEqual([modes["ledger.db"], modes[join("segments", "000001.seg")]], [expected, expected]);
      assert.equal(statSync(directory).mode & 0o777, mode);
    }
  });

  it("reads the permissions of new files from the bits of the folder", () => {
    assert.deepEqual(toRunModes(0o755, undefined), { file: 0o644, folder: 0o755 });
    assert.deepEqual(toRunModes(0o755, 0o055), { file: 0o600, folder: 0o700 });
    assert.deepEqual(toRunModes(0o2711, undefined), { file: 0o600, folder: 0o711 });
  });

  it("may be named by a link of this user", () => {
    const directory = makeRunDirectory();
    symlinkSync(join(directory, "real"), join(directory, "link"));

    const ledger = openLedger(join(directory, "link"));
    fetchOne(ledger, 1);
    ledger.close();

    assert.equal(readLedger(join(directory, "real")).totals().done, 1);
  });
});

const kinds: Readonly<Record<string, (path: string, victim: string) => void>> = {
  "a symbolic link": (path, victim) => symlinkSync(victim, path),
  "a dangling link": (path, victim) => symlinkSync(`${victim}-2`, path),
  "a hard link": (path, victim) => linkSync(victim, path),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  ...(isRoot && {
    "a file of another user": (path: string) => {
      writeFileSync(path, "");
      chownSync(path, 65_534, 65_534);
    },
  }),
};

describe("an entry of another user in the folder of a run", () => {
  for (const name of [
    "ledger.db",
    "ledger.db-wal",
    "ledger.db-shm",
    "ledger.db-journal",
    "segments",
    join("segments", "000001.seg"),
  ])
    for (const [kind, make] of isWindows ? [] : Object.entries(kinds))
      it(`is an error that names it, and is not followed or waited for: ${name} is ${kind}`, () => {
        const directory = makeRunDirectory();
        const victim = join(realpathSync(makeRunDirectory()), "victim");
        writeFileSync(victim, "precious");
        if (name.includes("seg") && name !== "segments") mkdirSync(join(directory, "segments"));
        make(join(directory, name), victim);

        assert.throws(
          () => openLedger(directory),
          (error) =>
            error instanceof LedgerError && error.message.includes(join(realpathSync(directory), name)),
        );
        assert.equal(readFileSync(victim, "utf8"), "precious");
        assert.throws(() => statSync(`${victim}-2`), { code: "ENOENT" });
      });

  it("is not read, either", () => {
    if (isWindows) return;
    const directory = makeRunDirectory();
    openLedger(directory).close();
    renameSync(join(directory, "ledger.db"), join(directory, "other.db"));
    symlinkSync("other.db", join(directory, "ledger.db"));
    assert.throws(() => readLedger(directory), /ledger\.db is not used: it is a symbolic link; remove it/);
    rmSync(join(directory, "ledger.db"));
    execFileSync("mkfifo", [join(directory, "ledger.db")]);

    assert.throws(() => readLedger(directory), /ledger\.db is not used: it is a FIFO; remove it/);
  });

  if (!isRoot)
    it("NOT TESTED, because only root can give a file away: a file of another user", () => undefined);
});

describe("the folder of a run that is replaced while the run writes", () => {
  it("redirects nothing, and the run says where its results are", () => {
    if (process.platform !== "linux") return;
    const parent = realpathSync(makeRunDirectory());
    const [directory, victim] = [join(parent, "out"), join(parent, "victim")];
    const other = openLedger(victim);
    fetchOne(other, 1);
    const ledger = openLedger(directory);
    fetchOne(ledger, 1);
    const before = readModes(victim);

    renameSync(directory, `${directory}-moved`);
    symlinkSync(victim, directory);
    fetchOne(ledger, 2);

    assert.throws(() => ledger.close(), new RegExp(`out was moved or replaced .* in ${directory}-moved`));
    assert.deepEqual(readModes(victim), before);
    fetchOne(other, 2);
    other.close();
    assert.equal(readLedger(victim).totals().done, 2);
    assert.equal(readLedger(`${directory}-moved`).totals().done, 2);
  });
});
