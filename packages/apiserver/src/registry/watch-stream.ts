import { isStatusError, type KubernetesObject, StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';
import type { Blank } from './blank-object.ts';
import type { EncodedObject, EncodedWatchEvent } from './contract.ts';
import type { StoredVersions } from './kind.ts';
import type { Selection } from './selection.ts';
import { encodeObject, type StoredObject } from './stored-object.ts';
import { readChange } from './stored-versions.ts';
import type { Change, Narrowing, Subscriber } from './watch-index.ts';

/** A watch that lets more events or bytes than this pile up is cut off; its client begins anew. */
const longestQueue = 20_000;
const largestQueue = 64 * 1024 * 1024;

export interface WatchStreamOptions {
  readonly prefix: string;
  readonly kindPrefix: string;
  readonly only?: Narrowing;
  readonly selection: Selection;
  readonly bookmarks: boolean;
  /** A new object of the kind, in the served version. */
  readonly blank: Blank;
  /** From the stored to the served version, shared by all watches of that version. */
  readonly serve: (stored: StoredObject) => EncodedObject;
  readonly stored?: StoredVersions;
}

/** One watch: turns changes into events of its selection and holds them until the reader comes. */
export class WatchStream implements Subscriber, AsyncIterable<readonly EncodedWatchEvent[]> {
  readonly prefix: string;
  readonly kindPrefix: string;
  readonly only?: Narrowing;
  readonly #options: WatchStreamOptions;
  #queue: EncodedWatchEvent[] = [];
  readonly #converting: Change[] = [];
  #bytes = 0;
  #from: Revision = 0;
  #live = false;
  /** How many events of the initial list wait. */
  #first = 0;
  #beganWithEvents = false;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: StatusError | undefined;
  #onClose: (() => void)[] = [];

  constructor(options: WatchStreamOptions) {
    this.prefix = options.prefix;
    this.kindPrefix = options.kindPrefix;
    if (options.only) this.only = options.only;
    this.#options = options;
  }

  /** Whether there was anything to be told at the beginning. */
  get beganWithEvents(): boolean {
    return this.#beganWithEvents;
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
    this.#first = objects.length;
    this.#beganWithEvents = objects.length > 0;
    for (const each of objects) this.#push({ type: 'ADDED', value: this.#options.serve(each) });
  }

  change(change: Change): void {
    const { stored } = this.#options;
    if (!stored) {
      this.#tell(change);
      return;
    }
    let read: Change | Promise<Change> = change;
    try {
      if (this.#converting.length === 0) read = readChange(stored, change);
    } catch (error) {
      this.end(isStatusError(error) ? error : StatusError.internal(String(error)));
      return;
    }
    if (read instanceof Promise || this.#converting.length > 0) this.#await(change, stored);
    else this.#tell(read);
  }

  /** What has to be waited for keeps its place among the changes. */
  #await(change: Change, stored: StoredVersions): void {
    if (this.#ended) return;
    if (this.#converting.length >= longestQueue) {
      this.end(undefined);
      return;
    }
    this.#converting.push(change);
    if (this.#converting.length === 1) void this.#convert(stored);
  }

  async #convert(stored: StoredVersions): Promise<void> {
    try {
      for (let [next] = this.#converting; next && !this.#ended; [next] = this.#converting) {
        this.#tell(await readChange(stored, next));
        this.#converting.shift();
      }
    } catch (error) {
      this.#converting.length = 0;
      this.end(isStatusError(error) ? error : StatusError.internal(String(error)));
    }
  }

  #tell(change: Change): void {
    const { selection, serve } = this.#options;
    const { current, previous } = change;
    const now = current !== undefined && selection.matches(current.object);
    const before = previous !== undefined && selection.matches(previous.object);
    if (now) this.#push({ type: before ? 'MODIFIED' : 'ADDED', value: serve(current) }, change.bytes);
    // What leaves the selection is deleted for this watch, in the state in which it was last a part of it.
    else if (before) this.#push({ type: 'DELETED', value: serve(deletedState(change, previous)) }, change.bytes);
  }

  /** Only what is later than `revision` comes from here on. */
  startAt(revision: Revision): void {
    this.#from = revision;
  }

  joined(): void {
    this.#live = true;
  }

  progress(revision: Revision): void {
    if (!this.#live || revision < this.#from) return;
    if (this.#options.bookmarks && this.#queue.length === 0 && this.#converting.length === 0)
      this.bookmark(revision, false);
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): void {
    const { blank } = this.#options;
    const annotations = initialEventsEnd
      ? { ...blank.annotations, 'k8s.io/initial-events-end': 'true' }
      : blank.annotations;
    const object = {
      ...blank.object,
      metadata: { resourceVersion: String(revision), ...(annotations && { annotations }) },
    };
    // A bookmark has no name: it is no object, only a position in the shape of one.
    this.#push({ type: 'BOOKMARK', value: encodeObject(object as KubernetesObject) });
  }

  end(error: StatusError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const each of this.#onClose) each();
    this.#onClose = [];
    this.#wakeUp();
  }

  /** @param bytes undefined: of what is shared by all anyway, and never too much */
  #push(event: EncodedWatchEvent, bytes?: number): void {
    if (this.#ended) return;
    if (bytes !== undefined) this.#bytes += bytes;
    if (bytes !== undefined && (this.#queue.length >= longestQueue + this.#first || this.#bytes > largestQueue)) {
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
        this.#bytes = 0;
        this.#first = 0;
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
