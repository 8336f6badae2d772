import { type Client, isStatusError, type ObjectMeta } from '@keelson/core';
import { z } from 'zod';
import type { DeletionProgress, Remaining } from './conditions.ts';
import type { ContentKind, DiscoverKinds } from './content-kinds.ts';

const listShape = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        finalizers: z.array(z.string()).optional(),
        deletionGracePeriodSeconds: z.number().optional(),
      }),
    }),
  ),
});
type Item = { readonly metadata: Pick<ObjectMeta, 'finalizers' | 'deletionGracePeriodSeconds'> };

export interface ContentDeletion extends DeletionProgress {
  /** The longest grace period of what remains, in seconds. */
  readonly graceSeconds: number;
}

/** Deletes everything in a namespace, of every kind; pods before all else, as they may need the rest to end in order. */
export class ContentDeleter {
  readonly #client: Client;
  readonly #discover: DiscoverKinds;

  constructor(client: Client, discover: DiscoverKinds) {
    this.#client = client;
    this.#discover = discover;
  }

  async deleteAll(namespace: string, signal: AbortSignal): Promise<ContentDeletion> {
    const { kinds, failures } = await this.#discover(this.#client, signal);
    const isPods = ({ group, resource }: ContentKind) => group === '' && resource === 'pods';
    const pods = await this.#deleteKinds(kinds.filter(isPods), namespace, signal);
    const podsLeft = pods.remaining.length > 0 || pods.deletionFailures.length > 0;
    const others = podsLeft
      ? { deletionFailures: [], remaining: [], graceSeconds: 0 }
      : await this.#deleteKinds(
          kinds.filter((kind) => !isPods(kind)),
          namespace,
          signal,
        );
    return {
      discoveryFailures: failures,
      deletionFailures: [...pods.deletionFailures, ...others.deletionFailures],
      remaining: [...pods.remaining, ...others.remaining],
      graceSeconds: Math.max(pods.graceSeconds, others.graceSeconds),
    };
  }

  async #deleteKinds(
    kinds: readonly ContentKind[],
    namespace: string,
    signal: AbortSignal,
  ): Promise<Omit<ContentDeletion, 'discoveryFailures'>> {
    const deletionFailures: string[] = [];
    const remaining: Remaining[] = [];
    let graceSeconds = 0;
    for (const kind of kinds) {
      try {
        const items = await this.#deleteKind(kind, namespace, signal);
        if (items.length === 0) continue;
        remaining.push({ kind, count: items.length, finalizers: countFinalizers(items) });
        graceSeconds = Math.max(graceSeconds, ...items.map(({ metadata }) => metadata.deletionGracePeriodSeconds ?? 0));
      } catch (error) {
        if (signal.aborted) throw error;
        // The kind went away between discovery and now, as kinds of a CRD do.
        if (isStatusError(error, 'NotFound', 'MethodNotAllowed')) continue;
        deletionFailures.push(error instanceof Error ? error.message : String(error));
      }
    }
    return { deletionFailures, remaining, graceSeconds };
  }

  async #deleteKind(kind: ContentKind, namespace: string, signal: AbortSignal): Promise<readonly Item[]> {
    const { transport } = this.#client;
    const list = async () =>
      listShape.parse(await transport.request({ verb: 'list', ...kind, namespace, signal })).items;
    if ((await list()).length === 0) return [];
    const options = { propagationPolicy: 'Background' } as const;
    await transport.request({ verb: 'deletecollection', ...kind, namespace, options, signal });
    return list();
  }
}

function countFinalizers(items: readonly Item[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of items) {
    for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
