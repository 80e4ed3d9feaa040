import type { Clock } from "@holdfast/policy";
import { isRepeatable } from "../ledger/job.ts";
import type { JobLease, JobOutcome, Ledger, StoredHost } from "../ledger/ledger.ts";
import type { PlanCounts } from "../ledger/list-reading.ts";
import type { RunStatus, RunTotals } from "../ledger/report.ts";
import type { HostKey } from "../host/host-key.ts";
import type { HostInput } from "../host/host-input.ts";
import type { HostRule, HostState } from "../host/host-state.ts";
import { decideOutcome } from "../outcome/decide-outcome.ts";
import { fetchJob, type FetchResult } from "../outcome/fetch-job.ts";
import { toHostInputs } from "../outcome/host-inputs.ts";
import { judgeByHost } from "../outcome/judge-by-host.ts";
import { findProxyWait, type ProxyWait } from "../outcome/no-proxy.ts";
import { findSuspension, suspendedOutcome } from "../outcome/suspended-outcome.ts";
import { countOutcome, countPlanned } from "./count-totals.ts";
import type { RunEvent } from "./events.ts";
import { GroupCommit } from "./group-commit.ts";
import { earliest } from "./host-pauses.ts";
import { HeldRefusals } from "./held-refusals.ts";
import { type FinishedRequest, HostScheduler } from "./host-scheduler.ts";
import { InputPlanner } from "./input-planner.ts";
import { Latch } from "./latch.ts";
import type { RunOptions } from "./options.ts";
import { ProxyWaits } from "./proxy-waits.ts";
import { RespondedNames } from "./responded-names.ts";
import { Shutdown } from "./shutdown.ts";
import { Timer } from "./timer.ts";
import type { TotalPace } from "./total-pace.ts";

/** The options of a run with all defaults applied, and its open ledger. */
export interface RunLoopOptions extends Pick<
  RunOptions,
  "input" | "otherList" | "session" | "proxies" | "drain" | "signal" | "on"
> {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly ruleOf: (key: string) => HostRule;
  readonly pace: TotalPace;
  readonly hostKey: HostKey;
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
  readonly #hosts: HostScheduler;
  readonly #refusals = new HeldRefusals();
  readonly #names = new RespondedNames();
  readonly #commits: GroupCommit;
  readonly #proxies: ProxyWaits | undefined;
  readonly #shutdown: Shutdown;
  readonly #latch = new Latch();
  readonly #timer: Timer;
  #totals: RunTotals;
  #inFlight = 0;
  /** When a line last ended, or the run began. */
  #endedAt: number;
  #isInputRead = false;

  constructor(options: RunLoopOptions) {
    const { ledger, clock, proxies } = options;
    this.#options = options;
    this.#shutdown = new Shutdown(options, this.#latch.notify);
    const onError = this.#shutdown.fail;
    this.#timer = new Timer(clock, this.#latch.notify);
    this.#commits = new GroupCommit({ ledger, clock, onCommitted: this.#committed, onError });
    this.#totals = ledger.totals();
    this.#endedAt = clock.date();
    this.#hosts = new HostScheduler({ ...options, onChange: this.#hostChanged, onGone: this.#hostGone });
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
    this.#hosts.close();
    this.#commits.flush();
    this.#proxies?.save();
    const status = this.#shutdown.statusOr(this.#proxies?.isActive === true ? "no-proxy" : "complete");
    return status === "no-proxy" ? { status, why: this.#proxies?.why ?? "" } : { status };
  }

  /** Does everything that can be done now. Returns whether the run is over. */
  #step(): boolean {
    try {
      if (!this.#shutdown.isDraining) this.#startRequests();
      if (this.#inFlight > 0) {
        if (!this.#shutdown.isDraining && this.#isIdleForTooLong()) this.#shutdown.drain();
        return false;
      }
      for (const outcome of this.#refusals.takeAll()) this.#commits.add(outcome);
      this.#commits.flush();
      return this.#shutdown.isDraining || !this.#mayContinue();
    } catch (error) {
      this.#shutdown.fail(error);
      return this.#inFlight === 0;
    }
  }

  #startRequests(): void {
    this.#resumeHosts();
    this.#start(this.#hosts.take(this.#options.concurrency - this.#inFlight));
    this.#setTimer();
  }

  #start(leases: readonly JobLease[]): void {
    const unsafe = leases.filter(({ job }) => !isRepeatable(job)).map(({ job }) => job);
    if (unsafe.length > 0) this.#options.ledger.recordIntent(unsafe);
    this.#inFlight += leases.length;
    for (const lease of leases) void this.#fetch(lease);
  }

  #resumeHosts(): void {
    if (this.#proxies?.isActive !== true) return;
    for (const host of this.#proxies.takeResumableHosts()) this.#hosts.resume(host);
  }

  async #fetch(lease: JobLease): Promise<void> {
    const { job } = lease;
    try {
      this.#emit({ type: "started", job });
      const { abortSignal: signal, drainSignal: drain } = this.#shutdown;
      const { continuation } = lease;
      const result = await fetchJob(this.#options.session, job, {
        signal,
        drain,
        onWait: "suspend",
        ...(continuation !== undefined && { continuation }),
      });
      const wait = this.#proxies === undefined ? undefined : findProxyWait(result);
      if (wait === undefined) this.#recordResult(lease, result);
      else this.#waitForProxy(lease, wait);
    } catch (error) {
      this.#shutdown.fail(error);
    } finally {
      this.#inFlight -= 1;
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
    const suspension = findSuspension(result);
    const outcome = isUnsent
      ? undefined
      : suspension !== undefined
        ? suspendedOutcome(lease, suspension, { now, maxDeferDelay })
        : decideOutcome(lease, result, { now, maxDeferrals, maxDeferDelay, aborted, draining, proxied });
    const change = this.#hosts.finish(lease, (request) => this.#readInputs(lease, result, request));
    if (outcome === undefined) ledger.release([lease]);
    else {
      const judged = judgeByHost(outcome, change);
      if (proxied || !this.#refusals.add(judged)) this.#commits.add(judged);
    }
    if (!this.#refusals.has(lease.host)) return;
    const isLast = this.#hosts.isFinished(lease.host);
    for (const each of this.#refusals.settle(lease.host, change.after, isLast)) this.#commits.add(each);
  }

  #readInputs(
    lease: JobLease,
    result: FetchResult,
    { key, ...request }: FinishedRequest,
  ): readonly HostInput[] {
    const { clock, proxies, hostKey, maxDeferDelay } = this.#options;
    const facts = {
      ...request,
      now: clock.date(),
      othersRespondedAt: this.#names.latestExcept(key),
      isProxied: proxies !== undefined,
      maxDeferDelay,
      hostKey,
    };
    if (result.ok) this.#options.pace.received(result.response.content.length, facts.now);
    const inputs = toHostInputs(lease, result, facts);
    this.#names.add(key, inputs);
    return inputs;
  }

  readonly #hostChanged = ({ key, state: { standing } }: StoredHost): void => {
    if (standing.at === "serving" || standing.at === "gone") return;
    const until = standing.at === "parked" ? standing.until : standing.probeAt;
    this.#emit({ type: "host-deferred", host: key, until, reason: standing.at });
  };

  readonly #hostGone = ({ id, key, state: { standing, silence } }: StoredHost): void => {
    if (standing.at !== "gone") return;
    const at = this.#options.clock.date();
    const { reason } = standing;
    const lines = this.#options.ledger.endHost(id, {
      reason,
      advice: describeSilence(reason, silence, at),
      at,
    });
    if (lines === 0) return;
    this.#endedAt = at;
    this.#totals = this.#options.ledger.totals();
    this.#emit({ type: "host-down", host: key, reason, lines, totals: this.#totals });
  };

  /** Takes back a lease when no proxy is available for its host. Nothing was sent. */
  #waitForProxy(lease: JobLease, wait: ProxyWait): void {
    const host = this.#options.hostKey(lease.job.url);
    this.#options.ledger.release([lease]);
    this.#hosts.finish(lease, () => []);
    this.#hosts.pause(lease);
    const isNews = this.#proxies?.add(host, wait);
    if (this.#proxies?.isExhausted === true) return this.#shutdown.drain();
    if (isNews === true) this.#emit({ type: "no-proxy", host, ...wait });
    this.#setTimer();
  }

  #setTimer(): void {
    const { clock, maxIdleWait } = this.#options;
    const idleAt = this.#endedAt + maxIdleWait;
    const endsAt = this.#inFlight > 0 && idleAt > clock.date() ? idleAt : undefined;
    this.#timer.set(earliest([this.#hosts.nextAt, this.#proxies?.nextCheckAt, endsAt]));
  }

  // With nothing in flight: may the input add rows, or does a row come due soon?
  #mayContinue(): boolean {
    const { concurrency, maxIdleWait } = this.#options;
    // The commit may have changed what can be started.
    const leases = this.#hosts.take(concurrency);
    if (leases.length > 0) {
      this.#start(leases);
      return true;
    }
    this.#setTimer();
    if (!this.#isInputRead) return true;
    const nextAt = earliest([this.#hosts.nextAt, this.#proxies?.nextEndAt]);
    return nextAt !== undefined && nextAt - this.#endedAt <= maxIdleWait;
  }

  /** Probes that are in flight do not extend the run. */
  #isIdleForTooLong(): boolean {
    const { clock, maxIdleWait } = this.#options;
    return this.#isInputRead && clock.date() - this.#endedAt >= maxIdleWait && this.#hosts.isOnlyProbing;
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
      this.#hosts.linesAdded();
      this.#emit({ type: "input-ended" });
      this.#latch.notify();
    } catch (error) {
      this.#shutdown.fail(error);
    }
  }

  readonly #planned = (counts: PlanCounts): void => {
    this.#totals = countPlanned(this.#totals, counts);
    if (counts.added + counts.known > 0) this.#hosts.linesAdded();
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
    const deferred = outcomes.filter(({ state }) => state.at === "deferred");
    this.#hosts.committed(deferred.map(({ lease }) => lease));
    if (deferred.length < outcomes.length) this.#endedAt = this.#options.clock.date();
    this.#latch.notify();
    this.#proxies?.saveIfDue();
    this.#emit({ type: "progress", totals: this.#totals, inFlight: this.#inFlight });
  };

  #emit(event: RunEvent): void {
    this.#options.on?.(event);
  }
}

function describeSilence(reason: "host-down" | "dns", silence: HostState["silence"], now: number): string {
  if (reason === "dns") return "Check the host name: DNS does not know it, and answers for other names";
  const hours = ((now - (silence?.since ?? now)) / 3_600_000).toFixed(1);
  return `Check the host: it has sent no response for ${hours} hours (last: ${silence?.reason ?? "no response"})`;
}
