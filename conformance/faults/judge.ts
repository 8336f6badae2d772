import type { Counts, Difference, Told, Truth } from './contract.ts';

interface Known {
  uid: string;
  count: number;
  present: boolean;
}

/** Keeps what one watch layer told, and finds what it told wrongly. */
export class Judge {
  readonly #known = new Map<string, Known>();
  #told = 0;
  #outOfOrder = 0;
  #unseenDeletions = 0;

  get counts(): Omit<Counts, 'restarts'> {
    return { told: this.#told, outOfOrder: this.#outOfOrder, unseenDeletions: this.#unseenDeletions };
  }

  readonly see = ({ type, key, uid, count }: Told): void => {
    this.#told += 1;
    const present = type === 'is';
    const known = this.#known.get(key);
    if (!known) {
      this.#known.set(key, { uid, count, present });
      return;
    }
    // The same state again is no harm, unless it was said to be gone: what is made anew has a higher counter.
    if (count < known.count || (present && !known.present && count === known.count)) this.#outOfOrder += 1;
    if (present && known.present && uid !== known.uid) this.#unseenDeletions += 1;
    // What was told last is what its user believes, also when that is older.
    known.uid = uid;
    known.count = count;
    known.present = present;
  };

  compare(truth: Truth): Difference {
    let [missing, stale, extra] = [0, 0, 0];
    const examples: string[] = [];
    const note = (text: string) => {
      if (examples.length < 5) examples.push(text);
    };
    for (const [key, { uid, count }] of Object.entries(truth)) {
      const known = this.#known.get(key);
      if (!known?.present) {
        missing += 1;
        note(`${key} is there at ${count}, and was ${known ? `told gone at ${known.count}` : 'never told'}`);
      } else if (known.count !== count || known.uid !== uid) {
        stale += 1;
        note(`${key} is at ${count}, and was told at ${known.count}`);
      }
    }
    for (const [key, { present, count }] of this.#known) {
      if (!present || key in truth) continue;
      extra += 1;
      note(`${key} is gone, and was told at ${count}`);
    }
    return { missing, stale, extra, examples };
  }
}
