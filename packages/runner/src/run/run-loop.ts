import type { Clock } from "@holdfast/policy";
import { isRepeatable } from "../ledger/job.ts";
import type { JobLease, JobOutcome, Ledger } from "../ledger/ledger.ts";
import type { PlanCounts } from "../ledger/list-reading.ts";
import type { RunStatus, RunTotals } from "../ledger/report.ts";
import { decideOutcome, findHostDeferral } from "../outcome/decide-outcome.ts";
import { fetchJob, type FetchResult } from "../outcome/fetch-job.ts";
import { findProxyWait, type ProxyWait } from "../outcome/no-proxy.ts";
import { countOutcome, countPlanned } from "./count-totals.ts";
import type { RunEvent } from "./events.ts";
import { readHost } from "./host-queues.ts";
import { GroupCommit } from "./group-commit.ts";
import { earliest } from "./host-pauses.ts";
import { InputPlanner } from "./input-planner.ts";
import { Latch } from "./latch.ts";
import { LeaseQueue } from "./lease-queue.ts";
import type { RunOptions } from "./options.ts";
import { ProxyWaits } from "./proxy-waits.ts";
import { Shutdown } from "./shutdown.ts";
import { Timer } from "./timer.ts";

/** The options of a run with all defaults applied, and its open ledger. */
export interface RunLoopOptions extends Pick<
  RunOptions,
  "input" | "otherList" | "session" | "proxies" | "drain" | "signal" | "on"
> {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly perHost: number;
  /** In ms. */
  readonly maxIdleWait: number;
  /** In ms. */
  readonly maxDeferDelay: number;
  readonly maxDeferrals: number;
}

/** The status with which a run ends itself. */
export interface RunLoopEnd {
  readonly status: Extract<RunStatus, "complete" | "drained" | "aborted" | "no-proxy">;
  /** Why no proxy was available. */
  readonly why?: string;
}

/** Runs a ledger once: claims rows, fetches them, and records the outcomes. Sleeps until something happens. */
export class RunLoop {
  readonly #options: RunLoopOptions;
  readonly #queue: LeaseQueue;
  readonly #commits: GroupCommit;
  readonly #proxies: ProxyWaits | undefined;
  readonly #shutdown: Shutdown;
  readonly #latch = new Latch();
  readonly #timer: Timer;
  #totals: RunTotals;
  #inFlight = 0;
  #isInputRead = false;

  constructor(options: RunLoopOptions) {
    const { ledger, clock, proxies } = options;
    this.#options = options;
    this.#shutdown = new Shutdown(options, this.#latch.notify);
    const onError = this.#shutdown.fail;
    this.#timer = new Timer(clock, this.#latch.notify);
    this.#commits = new GroupCommit({ ledger, clock, onCommitted: this.#committed, onError });
    this.#totals = ledger.totals();
    this.#queue = new LeaseQueue({ ...options, onDeferred: (outcome) => this.#commits.add(outcome) });
    this.#proxies = proxies === undefined ? undefined : new ProxyWaits({ proxies, ledger, clock, onError });
  }

  /** Resolves when nothing is left to do, or after the caller's signal. The outcomes of finished requests are recorded by then. */
  async run(): Promise<RunLoopEnd> {
    const stopListening = this.#shutdown.listen();
    void this.#readInput();
    try {
      while (!this.#step()) await this.#latch.wait();
    } finally {
      stopListening();
      this.#proxies?.close();
      this.#timer.set(undefined);
    }
    this.#shutdown.throwIfFailed();
    this.#proxies?.save();
    const status = this.#shutdown.statusOr(this.#proxies?.isActive === true ? "no-proxy" : "complete");
    return status === "no-proxy" ? { status, why: this.#proxies?.why ?? "" } : { status };
  }

  /** Does everything that can be done now. Returns whether the run is over. */
  #step(): boolean {
    try {
      if (this.#shutdown.isDraining) this.#releaseQueue();
      else this.#startRequests();
      if (this.#inFlight > 0) return false;
      this.#commits.flush();
      return this.#shutdown.isDraining || !this.#mayContinue();
    } catch (error) {
      this.#shutdown.fail(error);
      return this.#inFlight === 0;
    }
  }

  #startRequests(): void {
    this.#resumeHosts();
    const leases = this.#queue.take(this.#options.concurrency - this.#inFlight);
    const unsafe = leases.filter(({ job }) => !isRepeatable(job)).map(({ job }) => job);
    if (unsafe.length > 0) this.#options.ledger.recordIntent(unsafe);
    this.#inFlight += leases.length;
    for (const lease of leases) void this.#fetch(lease);
  }

  #resumeHosts(): void {
    if (this.#proxies?.isActive !== true) return;
    for (const host of this.#proxies.takeResumableHosts()) this.#queue.resume(host);
    this.#setTimer();
  }

  async #fetch(lease: JobLease): Promise<void> {
    const { job } = lease;
    try {
      this.#emit({ type: "started", job });
      const { abortSignal: signal, drainSignal: drain } = this.#shutdown;
      const result = await fetchJob(this.#options.session, job, { signal, drain });
      const wait = this.#proxies === undefined ? undefined : findProxyWait(result);
      if (wait === undefined) this.#recordResult(lease, result);
      else this.#waitForProxy(lease, wait);
    } catch (error) {
      this.#shutdown.fail(error);
    } finally {
      this.#inFlight -= 1;
      this.#queue.finish(lease);
      this.#latch.notify();
    }
  }

  #recordResult(lease: JobLease, result: FetchResult): void {
    const { clock, maxDeferrals, maxDeferDelay, ledger } = this.#options;
    const { isDraining: draining, isAborting: aborted, drainSignal } = this.#shutdown;
    const proxied = this.#proxies !== undefined;
    const now = clock.date();
    // A session that is drained before the first attempt rejects with the signal's reason and has sent nothing.
    const isUnsent = draining && !result.ok && result.error === drainSignal.reason;
    const outcome = isUnsent
      ? undefined
      : decideOutcome(lease, result, { now, maxDeferrals, maxDeferDelay, aborted, draining, proxied });
    if (outcome === undefined) ledger.release([lease]);
    else this.#commits.add(outcome);
    // With proxies, the limit applies to one address, and another address may continue.
    if (!proxied) this.#holdHost(lease, result);
  }

  #holdHost(lease: JobLease, result: FetchResult): void {
    const { clock, maxDeferDelay } = this.#options;
    const now = clock.date();
    const until = findHostDeferral(result, { now, maxDeferDelay });
    const host = readHost(lease.job.url);
    if (until !== undefined && until > now && this.#queue.deferHost(host, until))
      this.#emit({ type: "host-deferred", host, until });
  }

  /** Takes back a lease when no proxy is available for its host. Nothing was sent. */
  #waitForProxy(lease: JobLease, wait: ProxyWait): void {
    const host = readHost(lease.job.url);
    this.#options.ledger.release([lease]);
    this.#queue.pause(lease);
    const isNews = this.#proxies?.add(host, wait);
    if (this.#proxies?.isExhausted === true) return this.#shutdown.drain();
    if (isNews === true) this.#emit({ type: "no-proxy", host, ...wait });
    this.#setTimer();
  }

  #setTimer(): void {
    this.#timer.set(earliest([this.#queue.nextDueAt, this.#proxies?.nextCheckAt]));
  }

  // With nothing in flight: may the input add rows, or does a row come due soon?
  #mayContinue(): boolean {
    const { clock, maxIdleWait } = this.#options;
    this.#setTimer();
    if (!this.#isInputRead) return true;
    const nextAt = earliest([this.#queue.nextDueAt, this.#proxies?.nextEndAt]);
    return nextAt !== undefined && nextAt - clock.date() <= maxIdleWait;
  }

  async #readInput(): Promise<void> {
    const { input = [], otherList = "refuse", ledger } = this.#options;
    const { drainSignal: stop, fail: onError } = this.#shutdown;
    try {
      const onPlanned = this.#planned;
      const hasRemoved = await new InputPlanner({
        ledger,
        input,
        otherList,
        stop,
        onPlanned,
        onError,
      }).read();
      if (hasRemoved) {
        this.#totals = ledger.totals();
        this.#emit({ type: "progress", totals: this.#totals, inFlight: this.#inFlight });
      }
      if (stop.aborted) return;
      this.#isInputRead = true;
      // Rows that were held back until now may be handed out.
      this.#queue.rowsAdded(this.#totals.waiting);
      this.#emit({ type: "input-ended" });
      this.#latch.notify();
    } catch (error) {
      this.#shutdown.fail(error);
    }
  }

  readonly #planned = (counts: PlanCounts): void => {
    this.#totals = countPlanned(this.#totals, counts);
    this.#queue.rowsAdded(counts.added + counts.known);
    this.#emit({ type: "planned", ...counts, totals: this.#totals });
    this.#latch.notify();
  };

  readonly #committed = (outcomes: readonly JobOutcome[]): void => {
    for (const outcome of outcomes) {
      this.#totals = countOutcome(this.#totals, outcome);
      const { job } = outcome.lease;
      if (outcome.state.at !== "deferred") this.#emit({ type: "finished", job, outcome });
      else if (outcome.exchange !== undefined)
        this.#emit({ type: "deferred", job, outcome, until: outcome.state.until });
    }
    if (outcomes.some(({ state }) => state.at === "deferred")) {
      this.#queue.rowsDeferred();
      this.#setTimer();
    }
    this.#proxies?.saveIfDue();
    this.#emit({ type: "progress", totals: this.#totals, inFlight: this.#inFlight });
  };

  #emit(event: RunEvent): void {
    this.#options.on?.(event);
  }

  #releaseQueue(): void {
    const leases = this.#queue.clear();
    if (leases.length > 0 && !this.#shutdown.hasFailed) this.#options.ledger.release(leases);
  }
}
