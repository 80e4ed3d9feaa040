import type { Clock } from "@holdfast/policy";
import { Timer } from "./timer.ts";
import { decideOutcome, findHostHold } from "../outcome/decide-outcome.ts";
import type { RunEvent } from "./events.ts";
import { fetchJob, type FetchResult } from "../outcome/fetch-job.ts";
import { Frontier, parseHost } from "./frontier.ts";
import { GroupCommit } from "./group-commit.ts";
import { heldOutcome, HostHolds } from "./host-holds.ts";
import { Intake } from "./intake.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { JobLease, Ledger, JobOutcome, PlanCounts } from "../ledger/ledger.ts";
import type { RunOptions } from "./options.ts";
import { earliest } from "./host-pauses.ts";
import { type ProxyWait, findProxyWait } from "../outcome/no-proxy.ts";
import { ProxyMonitor } from "./proxy-monitor.ts";
import type { RunStatus, RunTotals } from "../ledger/report.ts";
import { ProxyShortage } from "./proxy-shortage.ts";
import { RowSupply } from "./row-supply.ts";
import { countOutcome, countPlanned } from "./count-totals.ts";
import { Latch } from "./latch.ts";

/** The options of a run, complete, and its open ledger. */
export interface RunLoopOptions extends Pick<
  RunOptions,
  "input" | "session" | "proxies" | "drain" | "signal" | "on"
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

/** The ends that a run can tell itself. */
export interface RunLoopEnd {
  readonly status: Extract<RunStatus, "complete" | "drained" | "aborted" | "no-proxy">;
  /** Why no proxy was fit. */
  readonly why?: string;
}

/** Leases held in memory: enough to look past a host that is at its limit, few enough to be bounded. */
const maxQueuedLeases = 8_192;

/** How often a pool is asked for new proxies while a host waits for one, in ms. */
const newProxiesPollInterval = 1_000;

/** Runs a ledger once: takes rows up, has them fetched, records what came of it. It sleeps until something happens. */
export class RunLoop {
  readonly #options: RunLoopOptions;
  readonly #frontier: Frontier;
  readonly #commits: GroupCommit;
  readonly #holds = new HostHolds();
  readonly #shortage = new ProxyShortage();
  readonly #supply: RowSupply;
  readonly #watch: ProxyMonitor | undefined;
  readonly #wake = new Latch();
  readonly #alarm: Timer;
  readonly #stop = new AbortController();
  readonly #requests = new AbortController();
  #totals: RunTotals;
  #inFlight = 0;
  #inputEnded = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: RunLoopOptions) {
    const { ledger, clock } = options;
    this.#options = options;
    this.#frontier = new Frontier(options.perHost);
    this.#alarm = new Timer(clock, this.#wake.notify);
    this.#commits = new GroupCommit({ ledger, clock, onCommitted: this.#committed, onError: this.#fail });
    this.#totals = ledger.totals();
    this.#supply = new RowSupply(ledger, clock);
    const { proxies } = options;
    this.#watch =
      proxies === undefined ? undefined : new ProxyMonitor({ proxies, ledger, clock, onError: this.#fail });
  }

  /** Resolves when there is nothing more to do, or when it was told to stop; what finished has been recorded. */
  async run(): Promise<RunLoopEnd> {
    const stopListening = this.#listen();
    void this.#read();
    try {
      while (!this.#step()) await this.#wake.wait();
    } finally {
      stopListening();
      this.#watch?.close();
      this.#alarm.set(undefined);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#watch?.save();
    const status = endOf(this.#options, this.#shortage.isActive ? "no-proxy" : "complete");
    return status === "no-proxy" ? { status, why: this.#shortage.why } : { status };
  }

  #listen(): () => void {
    const { drain, signal } = this.#options;
    const forget = [listenForAbort(drain, this.#drain), listenForAbort(signal, this.#abort)];
    return () => {
      for (const each of forget) each();
    };
  }

  // Does all that can be done now, and tells whether that was all.
  #step(): boolean {
    try {
      if (this.#stop.signal.aborted) this.#giveUp();
      else this.#start();
      if (this.#inFlight > 0) return false;
      this.#commits.flush();
      return this.#stop.signal.aborted || !this.#mayGoOn();
    } catch (error) {
      this.#fail(error);
      return this.#inFlight === 0;
    }
  }

  #start(): void {
    this.#lookForProxies();
    const leases: JobLease[] = [];
    while (this.#inFlight + leases.length < this.#options.concurrency) {
      this.#refill();
      const lease = this.#frontier.take();
      if (lease === undefined) break;
      if (!this.#postpone(lease)) leases.push(lease);
    }
    const unsafe = leases.filter(({ job }) => !isRepeatable(job)).map(({ job }) => job);
    if (unsafe.length > 0) this.#options.ledger.recordIntent(unsafe);
    this.#inFlight += leases.length;
    for (const lease of leases) void this.#fetch(lease);
  }

  /** Lets the hosts go on that have waited long enough for a proxy; all of them where there are new ones. */
  #lookForProxies(): void {
    if (!this.#shortage.isActive) return;
    const now = this.#watch?.hasNewProxies() === true ? Infinity : this.#options.clock.date();
    for (const host of this.#shortage.takeDueHosts(now)) this.#frontier.resume(host);
    this.#setAlarm();
  }

  #postpone(lease: JobLease): boolean {
    const now = this.#options.clock.date();
    const until = this.#holds.heldUntil(parseHost(lease.job.url), now);
    if (until === undefined) return false;
    this.#frontier.finish(lease);
    this.#commits.add(heldOutcome(lease, until, now));
    return true;
  }

  #refill(): void {
    const window = Math.max(64, 4 * this.#options.concurrency);
    while (!this.#frontier.ready && this.#frontier.size < maxQueuedLeases) {
      const leases = this.#supply.claim(window);
      for (const lease of leases) this.#frontier.add(lease);
      if (leases.length === 0) return;
    }
  }

  async #fetch(lease: JobLease): Promise<void> {
    const { job } = lease;
    try {
      this.#tell({ type: "started", job });
      const [signal, drain] = [this.#requests.signal, this.#stop.signal];
      const settled = await fetchJob(this.#options.session, job, { signal, drain });
      const dry = this.#watch === undefined ? undefined : findProxyWait(settled);
      if (dry === undefined) this.#settle(lease, settled);
      else this.#pause(lease, dry);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#inFlight -= 1;
      this.#frontier.finish(lease);
      this.#wake.notify();
    }
  }

  #settle(lease: JobLease, settled: FetchResult): void {
    const { clock, maxDeferrals, maxDeferDelay, ledger } = this.#options;
    const proxied = this.#watch !== undefined;
    const now = clock.date();
    const draining = this.#stop.signal.aborted;
    const aborted = this.#requests.signal.aborted;
    // A fetcher that was drained before its first attempt has sent nothing.
    const unsent = draining && !settled.ok && settled.error === this.#stop.signal.reason;
    const outcome = unsent
      ? undefined
      : decideOutcome(lease, settled, { now, maxDeferrals, maxDeferDelay, aborted, draining, proxied });
    if (outcome === undefined) ledger.release([lease]);
    else this.#commits.add(outcome);
    // Another address may ask where one is to wait.
    if (!proxied) this.#hold(lease, settled);
  }

  #hold(lease: JobLease, settled: FetchResult): void {
    const { clock, maxDeferDelay } = this.#options;
    const now = clock.date();
    const until = findHostHold(settled, { now, maxDeferDelay });
    const host = parseHost(lease.job.url);
    if (until !== undefined && until > now && this.#holds.hold(host, until))
      this.#tell({ type: "host-held", host, until });
  }

  /** Takes a lease back whose host no proxy is fit for; nothing was sent. */
  #pause(lease: JobLease, { until, why }: ProxyWait): void {
    const { clock, ledger } = this.#options;
    const now = clock.date();
    const host = parseHost(lease.job.url);
    const hopeless = until === Infinity ? why : this.#watch?.exhaustion();
    ledger.release([lease]);
    this.#frontier.pause(lease);
    const isNews = this.#shortage.add(host, { until, why, hopeless, now });
    if (this.#shortage.isExhausted) return this.#drain();
    if (isNews) this.#tell({ type: "no-proxy", host, until, why });
    this.#setAlarm();
  }

  #setAlarm(): void {
    const { nextRecheckAt: nextLook } = this.#shortage;
    const looks = nextLook !== undefined && this.#watch?.canDetectNewProxies === true;
    const news = looks ? this.#options.clock.date() + newProxiesPollInterval : undefined;
    this.#alarm.set(earliest([this.#supply.nextDueAt, nextLook, news]));
  }

  // With nothing in flight: are there rows to come from the input, or rows that come due soon?
  #mayGoOn(): boolean {
    const { clock, maxIdleWait } = this.#options;
    this.#setAlarm();
    if (!this.#inputEnded) return true;
    const next = earliest([this.#supply.nextDueAt, this.#shortage.nextEndAt]);
    return next !== undefined && next - clock.date() <= maxIdleWait;
  }

  async #read(): Promise<void> {
    const { input, ledger } = this.#options;
    try {
      await new Intake({
        ledger,
        stop: this.#stop.signal,
        onPlanned: this.#planned,
        onError: this.#fail,
      }).read(input ?? []);
      if (this.#stop.signal.aborted) return;
      this.#inputEnded = true;
      this.#tell({ type: "input-ended" });
      this.#wake.notify();
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #planned = (planned: PlanCounts): void => {
    this.#totals = countPlanned(this.#totals, planned);
    this.#supply.rowsAdded(planned.added);
    this.#tell({ type: "planned", ...planned });
    this.#wake.notify();
  };

  readonly #committed = (outcomes: readonly JobOutcome[]): void => {
    for (const outcome of outcomes) {
      this.#totals = countOutcome(this.#totals, outcome);
      const { job } = outcome.lease;
      if (outcome.state.at !== "deferred") this.#tell({ type: "finished", job, outcome });
      else if (outcome.exchange !== undefined)
        this.#tell({ type: "deferred", job, outcome, until: outcome.state.until });
    }
    if (outcomes.some(({ state }) => state.at === "deferred")) {
      this.#supply.rowsDeferred();
      this.#setAlarm();
    }
    this.#watch?.saveStatsIfDue();
    this.#tell({ type: "progress", totals: this.#totals, inFlight: this.#inFlight });
  };

  #tell(event: RunEvent): void {
    this.#options.on?.(event);
  }

  #giveUp(): void {
    const leases = this.#frontier.clear();
    if (leases.length > 0 && this.#failure === undefined) this.#options.ledger.release(leases);
  }

  readonly #drain = (): void => {
    this.#stop.abort();
    this.#wake.notify();
  };

  readonly #abort = (): void => {
    this.#requests.abort(this.#options.signal?.reason);
    this.#drain();
  };

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error };
    this.#requests.abort(error);
    this.#drain();
  };
}

function listenForAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal?.aborted === true) listener();
  signal?.addEventListener("abort", listener);
  return () => signal?.removeEventListener("abort", listener);
}

function endOf({ drain, signal }: RunLoopOptions, otherwise: RunLoopEnd["status"]): RunLoopEnd["status"] {
  if (signal?.aborted === true) return "aborted";
  return drain?.aborted === true ? "drained" : otherwise;
}
