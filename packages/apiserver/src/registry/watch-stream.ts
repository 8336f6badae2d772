import type { KubernetesObject, StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';
import type { EncodedObject, EncodedWatchEvent } from './contract.ts';
import type { Change, Subscriber } from './event-hub.ts';
import type { Selection } from './selection.ts';
import { encodeObject, type StoredObject } from './stored-object.ts';

/** A watch that lets more than this pile up is cut off; its client lists anew. */
const longestQueue = 20_000;

export interface WatchStreamOptions {
  readonly prefix: string;
  readonly selection: Selection;
  readonly bookmarks: boolean;
  readonly apiVersion: string;
  readonly kind: string;
  /** From the stored to the served version, shared by all watches of that version. */
  readonly serve: (stored: StoredObject) => EncodedObject;
}

/** One watch: turns changes into events of its selection and holds them until the reader comes. */
export class WatchStream implements Subscriber, AsyncIterable<readonly EncodedWatchEvent[]> {
  readonly prefix: string;
  readonly #options: WatchStreamOptions;
  #queue: EncodedWatchEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: StatusError | undefined;
  #onClose: (() => void)[] = [];

  constructor(options: WatchStreamOptions) {
    this.prefix = options.prefix;
    this.#options = options;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Called once, when the watch is over for whatever reason. */
  onClose(callback: () => void): void {
    if (this.#ended) callback();
    else this.#onClose.push(callback);
  }

  initial(objects: readonly StoredObject[]): void {
    for (const each of objects) this.#push({ type: 'ADDED', value: this.#options.serve(each) }, true);
  }

  change(change: Change): void {
    const { selection, serve } = this.#options;
    const { current, previous } = change;
    const now = current !== undefined && selection.matches(current.object);
    const before = previous !== undefined && selection.matches(previous.object);
    if (now) this.#push({ type: before ? 'MODIFIED' : 'ADDED', value: serve(current) });
    // What leaves the selection is deleted for this watch, in the state in which it was last a part of it.
    else if (before) this.#push({ type: 'DELETED', value: serve(deletedState(change, previous)) });
  }

  progress(revision: Revision): void {
    if (this.#options.bookmarks && this.#queue.length === 0) this.bookmark(revision, false);
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): void {
    const object = {
      kind: this.#options.kind,
      apiVersion: this.#options.apiVersion,
      metadata: {
        resourceVersion: String(revision),
        ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
      },
    };
    // A bookmark has no name: it is no object, only a position in the shape of one.
    this.#push({ type: 'BOOKMARK', value: encodeObject(object as KubernetesObject) }, true);
  }

  end(error: StatusError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const each of this.#onClose) each();
    this.#onClose = [];
    this.#wakeUp();
  }

  #push(event: EncodedWatchEvent, always = false): void {
    if (this.#ended) return;
    if (!always && this.#queue.length >= longestQueue) {
      this.#queue = [];
      this.end(undefined);
      return;
    }
    this.#queue.push(event);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly EncodedWatchEvent[]> {
    return {
      next: async () => {
        while (this.#queue.length === 0) {
          if (this.#ended) {
            if (this.#error) throw this.#error;
            return { done: true, value: undefined };
          }
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        const value = this.#queue;
        this.#queue = [];
        return { done: false, value };
      },
      return: async () => {
        this.end(undefined);
        return { done: true, value: undefined };
      },
    };
  }
}

const deleted = new WeakMap<Change, StoredObject>();

function deletedState(change: Change, previous: StoredObject): StoredObject {
  let state = deleted.get(change);
  if (!state) {
    state = previous.deletedAt(change.revision);
    deleted.set(change, state);
  }
  return state;
}
