import type { StoredEntry } from '../contract.ts';

/**
 * Values that this server has sent and not yet seen again. When the watch brings one, its event gets the very bytes that
 * were sent: what was decoded or encoded for them need not be made a second time.
 */
export class OwnWrites {
  readonly #sent = new Map<string, Uint8Array[]>();

  /** Call before the write is sent. The function returned forgets it; call it when the write has failed. */
  expect(key: string, value: Uint8Array): () => void {
    const values = this.#sent.get(key);
    if (values) values.push(value);
    else this.#sent.set(key, [value]);
    return () => this.#forget(key, value);
  }

  /** The entry with the bytes that were sent, if it is one that was. */
  claim(entry: StoredEntry): StoredEntry {
    const values = this.#sent.get(entry.key);
    const own = values?.find((each) => Buffer.compare(each, entry.value) === 0);
    if (!own) return entry;
    this.#forget(entry.key, own);
    return { ...entry, value: own };
  }

  #forget(key: string, value: Uint8Array): void {
    const left = this.#sent.get(key)?.filter((each) => each !== value);
    if (!left || left.length === 0) this.#sent.delete(key);
    else this.#sent.set(key, left);
  }
}
