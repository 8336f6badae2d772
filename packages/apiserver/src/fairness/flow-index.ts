import type { FlowSchema } from '@keelson/core';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../registry/contract.ts';
import { eachKey, keyOf, namespaceOf, type RequestTest, requestTest } from './request-rules.ts';

/** A FlowSchema as requests are told apart by it. */
export interface Flow {
  readonly name: string;
  readonly uid: string;
  readonly level: string;
  readonly distinguisher: 'ByUser' | 'ByNamespace' | undefined;
}

interface Entry {
  /** Its place among all, the one to be taken first lowest. */
  readonly order: number;
  readonly flow: Flow;
  readonly test: RequestTest;
}

/**
 * All FlowSchemas, found by who asks: a request looks at those of its user and groups alone. Which one it is: of those
 * that match the one with the lowest matchingPrecedence, then the first by name (KEP-1040).
 */
export class FlowIndex {
  readonly #byKey = new Map<string, Entry[]>();
  readonly flows: readonly Flow[];

  constructor(schemas: readonly FlowSchema[]) {
    const sorted = schemas.toSorted(byPrecedence);
    this.flows = sorted.map(flowOf);
    for (const [order, schema] of sorted.entries()) this.#add(schema, order);
  }

  #add({ spec }: FlowSchema, order: number): void {
    const flow = this.flows[order];
    if (!flow) return;
    for (const rules of spec?.rules ?? []) {
      const test = requestTest(rules);
      if (!test) continue;
      for (const subject of rules.subjects) {
        const key = keyOf(subject);
        if (key === undefined) continue;
        const known = this.#byKey.get(key);
        if (known) known.push({ order, flow, test });
        else this.#byKey.set(key, [{ order, flow, test }]);
      }
    }
  }

  /** `undefined`: none matches, which cannot be while there is `catch-all`. */
  find(user: UserInfo, info: RequestInfo): Flow | undefined {
    let best: Entry | undefined;
    eachKey(user, (key) => {
      const entries = this.#byKey.get(key);
      if (!entries) return;
      for (const entry of entries) {
        if (best && entry.order >= best.order) return;
        if (!entry.test(info)) continue;
        best = entry;
        return;
      }
    });
    return best?.flow;
  }
}

/** What tells the flows of one FlowSchema apart. */
export function distinguisherOf({ distinguisher }: Flow, user: UserInfo, info: RequestInfo): string {
  if (distinguisher === 'ByUser') return user.name;
  return distinguisher === 'ByNamespace' ? namespaceOf(info) : '';
}

function flowOf({ metadata, spec }: FlowSchema): Flow {
  const type = spec?.distinguisherMethod?.type;
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    level: spec?.priorityLevelConfiguration.name ?? '',
    distinguisher: type === 'ByUser' || type === 'ByNamespace' ? type : undefined,
  };
}

const precedence = ({ spec }: FlowSchema) => spec?.matchingPrecedence ?? 1000;

function byPrecedence(a: FlowSchema, b: FlowSchema): number {
  const difference = precedence(a) - precedence(b);
  if (difference !== 0) return difference;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
