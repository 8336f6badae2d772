import type { Json } from './json.ts';

/**
 * One request. In every string, `{{ns}}` is the case's namespace, `{{id}}` a word that only this case uses, `{{ip}}` an
 * address and `{{net}}` an IPv6 network that only this case uses, and `{{step:path}}` the value at `path` in the answer to the step with that id.
 */
export interface Step {
  readonly id?: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: Json;
  /** Sent as it is. */
  readonly text?: string;
  /** Sent: the object that the named step answered, merge-patched. */
  readonly from?: { readonly step: string; readonly merge: Json };
  /** Sent: the bytes that the named step was answered with; `cut`: so many fewer at the end, `without`: at the start. */
  readonly bytes?: { readonly step: string; readonly cut?: number; readonly without?: number };
  /** Opens a watch and goes on; its events are read once the other steps are done. */
  readonly watch?: boolean;
  /** Waits so long first; what happens before and after differs by more than a second then. */
  readonly waitMs?: number;
  /** Sent again and again until its answer holds this text, and for ten seconds at most. */
  readonly until?: string;
}

/** A short sequence of requests that both sides get. */
export interface TwinCase {
  /** `resource.group/version`. */
  readonly kind: string;
  readonly scenario: string;
  readonly steps: readonly Step[];
  /** Whether the case needs a namespace of its own. */
  readonly namespaced: boolean;
  /** Sent after the case, whatever it answers; not compared. */
  readonly after?: readonly Step[];
}

/** What one side answered to one step. */
export interface Observation {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
  /** When the answer was there, in ms since 1970. */
  readonly at: number;
  /** What broke below HTTP. */
  readonly broken?: string;
}

/** One side's answers, and what the normaliser must know. */
export interface Run {
  readonly observations: readonly Observation[];
  /** Before the first request, in ms since 1970. */
  readonly startedAt: number;
  /** `host:port` of the side. */
  readonly host: string;
  /** What the side held before any case. */
  readonly start: Start;
  /** Middles of the waits. */
  readonly waits: readonly number[];
}

/** A side before the first case: what is as old as this is the same on both sides, whenever either wrote it. */
export interface Start {
  /** Times from here on, in ms since 1970, are its start's. */
  readonly since: number;
  /** The version it had reached. */
  readonly version: number;
}

/** The words that stand for the case's own names in one run. */
export interface Names {
  readonly ns: string;
  readonly id: string;
  readonly ip: string;
  /** An IPv6 network. */
  readonly net: string;
}

const caseWord = /\bt([0-9a-z]{5})(?:ns)?\b/g;

/** The words of cases in a text, as `namesFor` makes them: the numbers of their runs. */
export function runsIn(text: string): number[] {
  return [...text.matchAll(caseWord)].map(([, digits = '']) => Number.parseInt(digits, 36));
}

/** Names of the same length for every run, so that nothing depends on it. */
export function namesFor(run: number): Names {
  const id = `t${run.toString(36).padStart(5, '0')}`;
  const ip = `10.${128 + ((run >> 16) & 63)}.${(run >> 8) & 255}.${run & 255}`;
  // Hexadecimal digits in the form that Go prints: no zeros in front.
  const net = `2001:db8:${((run >> 16) + 1).toString(16)}:${((run & 65535) + 1).toString(16)}::`;
  return { ns: `${id}ns`, id, ip, net };
}
