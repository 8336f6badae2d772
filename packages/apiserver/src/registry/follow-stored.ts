import type { RegistryContext } from './context.ts';
import type { StoredObject } from './stored-object.ts';

export type FollowContext = Pick<RegistryContext, 'storage' | 'cache' | 'hub' | 'clock' | 'logger'>;

/** Told of an object by its key below the prefix; undefined: there is none (any more). */
export type StoredObserver = (name: string, object: StoredObject | undefined) => void;

const retryMs = 1000;

/**
 * Tells of every object of a kind, and from then on of each change, straight from the store: for what the server itself
 * decides by. Resolves when all that is there has been told. Where the history breaks off, what is there is told anew.
 */
export async function followStored(
  context: FollowContext,
  prefix: string,
  observer: StoredObserver,
  signal: AbortSignal,
): Promise<void> {
  const { storage, cache, hub, clock, logger } = context;
  const known = new Set<string>();
  const tell = (name: string, object: StoredObject | undefined) => {
    if (object) known.add(name);
    else known.delete(name);
    observer(name, object);
  };
  const begin = async () => {
    const { entries, revision } = await storage.list(prefix);
    const gone = new Set(known);
    for (const entry of entries) {
      const name = entry.key.slice(prefix.length);
      gone.delete(name);
      tell(name, cache.get(entry));
    }
    for (const name of gone) tell(name, undefined);
    if (signal.aborted) return;
    const leave = hub.subscribe(
      {
        prefix,
        change: ({ key, current }) => tell(key.slice(prefix.length), current),
        progress: () => undefined,
        end: () => {
          signal.removeEventListener('abort', leave);
          if (!signal.aborted) void again();
        },
      },
      revision,
    );
    signal.addEventListener('abort', leave, { once: true });
  };
  const again = async () => {
    while (!signal.aborted) {
      try {
        return await begin();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('what is stored could not be read; it will be tried again', { prefix, error: String(error) });
        await clock.sleep(retryMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
      }
    }
  };
  await begin();
}
