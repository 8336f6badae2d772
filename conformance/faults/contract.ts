/** What a watch layer told its user of one object. */
export interface Told {
  readonly type: 'is' | 'gone';
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  /** The counter that the writer put into it: for a key it only ever grows, over deletion and creation too. */
  readonly count: number;
}

export interface WatcherConfig {
  /** A file; its server is the proxy. */
  readonly kubeconfig: string;
  /** Whose ConfigMaps are watched, each by a watch of its own. */
  readonly namespaces: readonly string[];
}

export interface Watcher {
  /** How often its user had to start it again. */
  readonly restarts: number;
  stop(): Promise<void>;
}

/** A watch layer, used as its documentation shows. */
export type StartWatcher = (config: WatcherConfig, tell: (event: Told) => void) => Promise<Watcher>;

/** The truth: what the server holds, by key. */
export type Truth = Readonly<Record<string, { readonly uid: string; readonly count: number }>>;

/** What one watch layer knows otherwise than the server, right now. */
export interface Difference {
  /** Not told of. */
  readonly missing: number;
  /** Known in an older state. */
  readonly stale: number;
  /** Known, and no longer there. */
  readonly extra: number;
  /** A few of the keys, for a person. */
  readonly examples: readonly string[];
}

/** What is counted while it runs. */
export interface Counts {
  readonly told: number;
  /** A key's counter went back, or what was deleted came back. */
  readonly outOfOrder: number;
  /** Another object under the same name, without a word about the end of the one before. */
  readonly unseenDeletions: number;
  readonly restarts: number;
}

export interface Figures extends Counts {
  /** Greatest resident memory of its process, bytes. */
  readonly memory: number;
  /** Longest time for which its event loop was held, ms. */
  readonly longestBlockMs: number;
}

/** A watch layer that runs, in this process or one of its own. */
export interface Subject {
  compare(truth: Truth): Promise<Difference>;
  figures(): Promise<Figures>;
  stop(): Promise<void>;
}

export const wrongKeys = ({ missing, stale, extra }: Difference): number => missing + stale + extra;
