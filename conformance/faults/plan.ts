import { Rng } from '../twin/rng.ts';

/** Faults of a proxy. */
export const proxyFaults = {
  reset: 'every connection is reset',
  freeze: 'every connection goes half-open: nothing comes any more, and no end',
  away: 'nobody answers for a second',
  cutInLine: 'one watch is reset in the middle of a line, its neighbours on the connection go on',
  cutAtLine: 'one watch is reset at the end of a line',
  end: 'one watch ends as usual',
  endInLine: 'one watch ends as usual, in the middle of a line',
  stall: 'one watch goes silent, and its connection stays',
  stallBeforeHeaders: 'the next watch is not answered',
  delay: 'one watch is held up for a second and a half',
  slowReader: 'one watch is read slowly, until the server cuts it off',
  goneEvent: 'one watch gets 410 as an event',
  goneAnswer: 'the next watches from a version get 410 as an answer',
  failingEvent: 'one watch gets 500 as an event',
  garbage: 'one watch gets a line that is no JSON',
  tooManyRequests: 'every watch is cut, the next requests get 429 with Retry-After',
  internalError: 'every watch is cut, the next requests get 500',
  unavailable: 'every watch is cut, the next requests get 503',
  cutList: 'history is lost, and the list after it breaks off',
  expiredPages: 'history is lost, and the second page of the list has expired',
} as const;

export type ProxyFault = keyof typeof proxyFaults;
/** `restart`: the server is killed and started again on its data. */
export type Fault = ProxyFault | 'restart';

export interface PlannedFault {
  /** After so many events. */
  readonly at: number;
  readonly fault: Fault;
  /** In [0, 1): which of the watches. */
  readonly which: number;
}

export interface PlanOptions {
  readonly events: number;
  readonly seed: string | number;
  /** Events from one fault to the next, about. */
  readonly every: number;
  /** Each so many faults; `undefined` where the server cannot be restarted. */
  readonly restartEvery: number | undefined;
  readonly faults?: readonly ProxyFault[];
}

/** The same seed gives the same plan. Every fault comes before any comes again. */
export function makePlan({ events, seed, every, restartEvery, faults }: PlanOptions): readonly PlannedFault[] {
  const rng = new Rng(`faults ${seed}`);
  const all = faults ?? (Object.keys(proxyFaults) as ProxyFault[]);
  const plan: PlannedFault[] = [];
  let deck: ProxyFault[] = [];
  for (let at = every; at < events; at += Math.ceil(every * (0.5 + rng.next()))) {
    const restart = restartEvery !== undefined && plan.length % restartEvery === restartEvery - 1;
    if (deck.length === 0) deck = rng.shuffled(all);
    const fault = restart ? 'restart' : deck.pop();
    if (fault !== undefined) plan.push({ at, fault, which: rng.next() });
  }
  return plan;
}
