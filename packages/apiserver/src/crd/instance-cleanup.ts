import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { type CustomResourceDefinition, isStatusError } from '@keelson/core';
import type { Call } from '../registry/admission-chain.ts';
import type { RegistryContext } from '../registry/context.ts';
import type { UserInfo } from '../registry/contract.ts';
import { deleteObject } from '../registry/delete-object.ts';
import type { Change } from '../registry/event-hub.ts';
import { customPrefixFor, type Kind } from '../registry/kind.ts';
import type { StoredEntry } from '../storage/contract.ts';

/** Entries that are read at once: a hundred thousand together would hold the event loop for a second. */
const pageSize = 500;
/** Deletions on their way to the disk together. */
const atOnce = 32;

/** Deletes the objects of one definition that is on its way out, and tells when it is worth looking whether all have gone. */
export class InstanceCleanup {
  readonly #context: RegistryContext;
  readonly #prefix: string;
  readonly #user: UserInfo;
  readonly #unsubscribe: () => void;
  /** Something was written that nobody has asked to go yet: at first all that is there. */
  #isDirty = true;

  /** @param changed is called after every change of one of the objects */
  constructor(
    context: RegistryContext,
    { spec: { group, names } }: CustomResourceDefinition,
    { user, changed }: { readonly user: UserInfo; readonly changed: () => void },
  ) {
    this.#context = context;
    this.#user = user;
    this.#prefix = customPrefixFor(group, names.plural);
    const change = ({ current }: Change) => {
      if (current && current.object.metadata.deletionTimestamp === undefined) this.#isDirty = true;
      changed();
    };
    const nothing = () => undefined;
    const subscriber = { prefix: this.#prefix, change, progress: nothing, end: nothing };
    this.#unsubscribe = context.hub.subscribe(subscriber, context.storage.currentRevision());
  }

  close(): void {
    this.#unsubscribe();
  }

  /** Resolves to whether none is left: finalizers may take their time. Rejects as deletions do, and with the signal's reason. */
  async run(kind: Kind, signal: AbortSignal): Promise<boolean> {
    const { storage } = this.#context;
    if (this.#isDirty) {
      this.#isDirty = false;
      try {
        await this.#sweep(kind, signal);
      } catch (error) {
        this.#isDirty = true;
        throw error;
      }
    }
    return (await storage.count(this.#prefix)) === 0;
  }

  /** Page by page as of now, and not as of one moment: that may be compacted before the last has gone. */
  async #sweep(kind: Kind, signal: AbortSignal): Promise<void> {
    const { storage } = this.#context;
    let from: string | undefined = this.#prefix;
    while (from !== undefined) {
      const { entries, remaining } = await storage.list(this.#prefix, { from, limit: pageSize, signal });
      const waiting = entries[Symbol.iterator]();
      const work = async () => {
        for (const entry of waiting) {
          signal.throwIfAborted();
          await this.#delete(kind, entry);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      const last = entries.at(-1)?.key;
      from = remaining > 0 && last !== undefined ? `${last}\0` : undefined;
      await turnOfEventLoop();
    }
  }

  async #delete(kind: Kind, entry: StoredEntry): Promise<void> {
    const { metadata } = this.#context.cache.get(entry).object;
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers?.length ?? 0) > 0) return;
    const { group, version, resource } = kind.served;
    const { name, namespace } = metadata;
    const request = { verb: 'delete', group, version, resource, name, ...(namespace && { namespace }) } as const;
    const call: Call = { kind, user: this.#user, dryRun: false, warnings: [], collective: true, request };
    try {
      // A webhook that is part of what goes here could not answer: Kubernetes asks none, either.
      await deleteObject(this.#context, call, { collective: true, admitted: true });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}
