/** One change of one object, as the store itself has it. */
export interface Fact {
  readonly type: 'put' | 'delete';
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  /** What the writer put into it; each write has its own. */
  readonly value: string;
}

/** What a client tried, and what it was told. */
export interface Attempt {
  readonly type: 'put' | 'delete';
  readonly name: string;
  readonly value: string;
  /** `refused`: told that it did not happen; `unknown`: told nothing of use. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** Of an acknowledged put, and of what an acknowledged deletion was about. */
  readonly revision?: number;
  readonly uid?: string;
}

/** What a watcher was shown. */
export interface Seen {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly name: string;
  readonly revision: number;
}

/** Everything in which what clients were told and what happened differ. */
export function contradictions(history: readonly Fact[], attempts: readonly Attempt[]): readonly string[] {
  const puts = new Map(history.filter((each) => each.type === 'put').map((each) => [each.value, each]));
  const deleted = new Set(history.filter((each) => each.type === 'delete').map((each) => each.uid));
  const tried = new Map(attempts.map((each) => [each.value, each]));
  const wrong: string[] = [];
  for (const each of attempts) {
    if (each.type === 'delete') {
      if (each.outcome === 'acknowledged' && !deleted.has(each.uid ?? '')) wrong.push(`lost deletion of ${each.name}`);
      continue;
    }
    const fact = puts.get(each.value);
    if (each.outcome === 'acknowledged' && fact?.revision !== each.revision) {
      wrong.push(`lost write ${each.name}=${each.value} at ${each.revision}, stored is ${fact?.revision ?? 'nothing'}`);
    }
    if (each.outcome === 'refused' && fact) wrong.push(`refused write ${each.value} is there at ${fact.revision}`);
  }
  for (const [value, { name }] of puts) if (!tried.has(value)) wrong.push(`nobody wrote ${name}=${value}`);
  return wrong;
}

/** What a watcher that began at `from` must be shown up to `to`. */
export function expectedEvents(history: readonly Fact[], from: number, to: number): readonly Seen[] {
  const live = new Set<string>();
  const events: Seen[] = [];
  for (const { type, name, revision } of history) {
    const shown = type === 'delete' ? 'DELETED' : live.has(name) ? 'MODIFIED' : 'ADDED';
    if (type === 'delete') live.delete(name);
    else live.add(name);
    if (revision > from && revision <= to) events.push({ type: shown, name, revision });
  }
  return events;
}
