/** Flags as Go's programs take them, in the order given: `--name=value`, `--name value`, or `--name` alone for `true`. */
export class GoFlags {
  readonly #values = new Map<string, string[]>();

  /**
   * @param switches names of flags that may stand without a value, and then do not take the next word as one
   * @throws Error for a word that is no flag
   */
  constructor(args: readonly string[], switches: ReadonlySet<string> = new Set()) {
    for (let at = 0; at < args.length; at++) {
      const word = args[at] ?? '';
      const found = /^--?([\w-]+)(?:=([\s\S]*))?$/.exec(word);
      if (!found) throw new Error(`unknown command: ${word}`);
      const [, name = '', given] = found;
      const next = args[at + 1];
      const takesNext = given === undefined && !switches.has(name) && next !== undefined && !next.startsWith('-');
      if (takesNext) at++;
      const value = given ?? (takesNext ? (next ?? '') : 'true');
      this.#values.set(name, [...(this.#values.get(name) ?? []), value]);
    }
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value counts, as in Go; an empty one counts as none. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1) || undefined;
  }

  /** All values, those with commas taken apart. */
  list(name: string): readonly string[] {
    return (this.#values.get(name) ?? []).flatMap((each) => each.split(',')).filter((each) => each !== '');
  }

  /** @throws Error where it is neither true nor false */
  flag(name: string, fallback: boolean): boolean {
    const value = this.value(name);
    if (value === undefined) return fallback;
    if (/^(1|t|true)$/i.test(value)) return true;
    if (/^(0|f|false)$/i.test(value)) return false;
    throw new Error(`invalid argument ${JSON.stringify(value)} for "--${name}" flag`);
  }
}
