import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Lister } from '../informer/index.ts';
import { keyOf, type ObjectKey } from '../machinery/index.ts';
import { largeCache, leastRead, scopeThatWouldDo } from './cache-scope.ts';
import type { DevelopmentWarning } from './warning.ts';

/** So long a large cache is watched before it is judged: at the start everything is reconciled once. */
const watchedMs = 60_000;
/** Who reads more needs the cache. */
const mostKeys = 50_000;

interface Use {
  readonly type: ResourceType;
  readonly lister: Lister<KubernetesObject>;
  /** What was read; `undefined` once it is enough. */
  read: Set<ObjectKey> | undefined;
  largeSince: number | undefined;
}

/** Finds caches of whole clusters of which next to nothing is read. */
export class CacheUse {
  readonly #uses: Use[] = [];

  add(type: ResourceType, lister: Lister<KubernetesObject>): (read: readonly KubernetesObject[] | undefined) => void {
    const use: Use = { type, lister, read: new Set(), largeSince: undefined };
    this.#uses.push(use);
    return (objects) => {
      if (!use.read) return;
      if (objects === undefined || use.read.size + objects.length > mostKeys) use.read = undefined;
      else for (const each of objects) use.read.add(keyOf(each));
    };
  }

  /** @param now milliseconds since the epoch */
  judge(now: number): readonly DevelopmentWarning[] {
    return this.#uses.flatMap((each) => {
      const found = judged(each, now);
      return found ? [found] : [];
    });
  }
}

function judged(use: Use, now: number): DevelopmentWarning | undefined {
  const { type, lister, read } = use;
  if (!read) return undefined;
  const all = lister.list();
  if (all.length <= largeCache) return undefined;
  use.largeSince ??= now;
  if (now - use.largeSince < watchedMs) return undefined;
  use.read = undefined;
  if (read.size >= all.length * leastRead) return undefined;
  const objects = [...read].map((each) => lister.get(each)).filter((each) => each !== undefined);
  return {
    kind: 'unread-cache',
    place: `cache of ${type.plural}.${type.group}`,
    message: `the cache of all ${type.plural} holds ${all.length} objects, and reconciles have read ${read.size} of them`,
    advice: scopeThatWouldDo(objects, all, type.kind),
  };
}
