/** A power of two: it masks the hash. */
const slots = 4096;
/** Shorter values are one and the same already, by the engine's JSON parser. */
const shortest = 11;
/** Most of what is longer is nobody else's, and takes long to compare. */
const longest = 1024;
/** What is deeper stays as it was parsed. */
const deepest = 64;

/**
 * Makes strings that are equal one string: objects of a kind say the same images, paths, labels and names over and over,
 * and a quarter of the memory of a cached Pod is copies of them. Remembers a bounded number of strings, the latest.
 */
export class StringPool {
  readonly #known: (string | undefined)[] = new Array<undefined>(slots).fill(undefined);

  /** Works inside of `value`, which must be nobody else's: what was just parsed. */
  share(value: unknown): void {
    this.#walk(value, 0);
  }

  #walk(value: unknown, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > deepest) return;
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at += 1) {
        const each: unknown = value[at];
        if (typeof each === 'string') value[at] = this.#one(each);
        else if (typeof each === 'object') this.#walk(each, depth + 1);
      }
      return;
    }
    const members = value as Record<string, unknown>;
    for (const key in members) {
      const each = members[key];
      if (typeof each === 'string') {
        if (each.length >= shortest) members[key] = this.#one(each);
      } else if (typeof each === 'object') this.#walk(each, depth + 1);
    }
  }

  #one(text: string): string {
    const { length } = text;
    if (length < shortest || length > longest) return text;
    // Names differ mostly at their ends, paths and images in the middle.
    let hash = length;
    hash = (hash * 31 + text.charCodeAt(length - 1)) | 0;
    hash = (hash * 31 + text.charCodeAt(length - 2)) | 0;
    hash = (hash * 31 + text.charCodeAt(length - 4)) | 0;
    hash = (hash * 31 + text.charCodeAt(length >> 1)) | 0;
    hash = (hash * 31 + text.charCodeAt(length >> 2)) | 0;
    hash = (hash * 31 + text.charCodeAt(0)) | 0;
    const slot = (hash ^ (hash >>> 12)) & (slots - 1);
    const known = this.#known[slot];
    if (known === text) return known;
    this.#known[slot] = text;
    return text;
  }
}
