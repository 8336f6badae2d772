import { type Fence, KeyExistsError, RevisionMismatchError, type Storage } from '../../storage/contract.ts';

const root = '/registry/quotafences/';
const keyOf = (namespace: string, uid: string) => `${root}${namespace}/${uid}`;
const value = new TextEncoder().encode('{}');
/** A fence that nobody has moved for so long goes by itself; the next charge makes a new one, at another revision. */
const keep = { ttlSeconds: 6 * 3600 };

/**
 * One entry of the store beside each quota that is charged. A count begins by moving it; what was charged before and is
 * not written by then cannot be written any more, by whichever server on the store and however late.
 */
export class QuotaFences {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** By the uid of their quotas. */
  async list(namespace: string): Promise<ReadonlyMap<string, Fence>> {
    const prefix = keyOf(namespace, '');
    const { entries } = await this.#storage.list(prefix);
    return new Map(
      entries.map(({ key, modRevision }) => [key.slice(prefix.length), { key, revision: modRevision }] as const),
    );
  }

  async stands({ key, revision }: Fence): Promise<boolean> {
    return (await this.#storage.get(key)).entry?.modRevision === revision;
  }

  /** The fence of a quota, made if it is not there. */
  async have(namespace: string, uid: string): Promise<Fence> {
    return this.#put(namespace, uid, false);
  }

  /** All charges so far are void, but for what is written by now. */
  async move(namespace: string, uid: string): Promise<void> {
    await this.#put(namespace, uid, true);
  }

  async #put(namespace: string, uid: string, anew: boolean): Promise<Fence> {
    const key = keyOf(namespace, uid);
    for (;;) {
      const { entry } = await this.#storage.get(key);
      if (entry && !anew) return { key, revision: entry.modRevision };
      try {
        const { modRevision } = entry
          ? await this.#storage.update(key, value, entry.modRevision, keep)
          : await this.#storage.create(key, value, keep);
        return { key, revision: modRevision };
      } catch (error) {
        if (!(error instanceof KeyExistsError || error instanceof RevisionMismatchError)) throw error;
      }
    }
  }
}
