import fc from 'fast-check';
import { Exchange } from './exchange.ts';
import { anyCase } from './inputs/index.ts';
import { namespace, play } from './play.ts';
import { type FuzzCase, named, printed } from './request.ts';
import type { FuzzServer } from './server.ts';

export interface FuzzOptions {
  readonly server: FuzzServer;
  /** A new one in the place of one that has ended. */
  readonly renew: () => Promise<FuzzServer>;
  readonly seed: number;
  readonly cases: number;
  /** Sorts of cases; default all. */
  readonly only?: readonly string[];
  /** The longest time an answer may take. */
  readonly boundMs?: number;
  /** Called with what failed before it is shrunk. */
  readonly failed?: (told: string) => void;
  readonly progress?: (done: number) => void;
}

export interface Failure {
  readonly why: string;
  readonly fuzzCase: FuzzCase;
  /** Makes the same case again. */
  readonly seed: number;
  readonly path: string;
  /** As requests that can be sent again. */
  readonly told: string;
}

export interface FuzzReport {
  readonly played: number;
  /** How many answers of each status there were, by the sort of case. */
  readonly statuses: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** One of each sort. */
  readonly failures: readonly Failure[];
}

/** What tells one sort of failure from another: the words, without what was asked. */
const sortOf = (why: string) => why.replace(/"(?:[^"\\]|\\.)*"|\d+|\bt[0-9a-z]{5}\b/g, '#').slice(0, 120);

const mostFailures = 30;
const longestShrinkMs = 60_000;
let runs = 0;

/** Sends so many cases, made from a seed. What fails is shrunk, and looked for no more. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { cases, only, boundMs = 10_000, progress, renew } = options;
  let { server } = options;
  let exchange = new Exchange(server.address, { boundMs });
  const statuses = new Map<string, Map<number, number>>();
  const failures: Failure[] = [];
  const known = new Set<string>();
  let played = 0;
  let trace = '';
  let failedAt: number | undefined;
  const property = fc.asyncProperty(anyCase(only), async (fuzzCase) => {
    // What takes too long to shrink is told as it is.
    if (failedAt !== undefined && Date.now() - failedAt > longestShrinkMs) return;
    if (!server.alive()) {
      exchange.close();
      server = await renew();
      exchange = new Exchange(server.address, { boundMs });
      await prepare(exchange);
    }
    const { fault, statuses: all } = await play(exchange, fuzzCase, runs++);
    count(statuses, fuzzCase.about, all);
    played++;
    progress?.(played);
    const complained = server.complaint();
    const why = server.alive() ? (fault?.why ?? complained) : complained;
    if (why === undefined || known.has(sortOf(why))) return;
    trace = server.trace();
    if (failedAt === undefined) {
      failedAt = Date.now();
      options.failed?.(tell(fuzzCase, why));
    }
    throw new Error(why);
  });
  try {
    await prepare(exchange);
    for (let seed = options.seed; played < cases && failures.length < mostFailures; seed += 1_000_003) {
      failedAt = undefined;
      const found = await fc.check(property, { seed, numRuns: cases - played });
      if (!found.failed || !found.counterexample) break;
      const [fuzzCase] = found.counterexample;
      const why = found.errorInstance instanceof Error ? found.errorInstance.message : String(found.errorInstance);
      known.add(sortOf(why));
      failures.push({
        why,
        fuzzCase,
        seed,
        path: found.counterexamplePath ?? '',
        told: `${tell(fuzzCase, why)}\n${trace}`,
      });
    }
    return { played, statuses, failures };
  } finally {
    exchange.close();
  }
}

function count(statuses: Map<string, Map<number, number>>, about: string, all: readonly number[]): void {
  const own = statuses.get(about) ?? new Map<number, number>();
  statuses.set(about, own);
  for (const each of all) own.set(each, (own.get(each) ?? 0) + 1);
}

/** A case as requests that can be sent again. */
export function tell({ base, requests }: FuzzCase, why: string): string {
  const names = new Map([
    ['id', 'fuzz-1'],
    ['ns', namespace],
    ['ip', '10.200.0.1'],
    ['net', '2001:db8:1:1::'],
  ]);
  const before =
    base === undefined ? '' : `# after the least object of ${base} was made in the namespace ${namespace}\n`;
  return `${why}\n${before}${requests.map((each) => printed(named(each, names))).join('\n')}`;
}

export async function prepare(exchange: Exchange): Promise<void> {
  const { status } = await exchange.send({
    method: 'POST',
    target: '/api/v1/namespaces',
    headers: [['content-type', 'application/json']],
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    framing: 'length',
  });
  if (status !== 201 && status !== 409) throw new Error(`the namespace could not be made: ${status}`);
}
