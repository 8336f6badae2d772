import type { Logger } from '@keelson/core';
import type { Clock, Random } from '@keelson/core/machinery';

export interface EtcdOptions {
  /** `http://host:2379` or, with TLS, `https://host:2379`; all members of one cluster. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  readonly user?: { readonly name: string; readonly password: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What is kept at hand and watched. Default `/registry/`. */
  readonly root?: string;
  /** Milliseconds between compactions, which one of all servers makes; 0: none. Default five minutes. */
  readonly compactionInterval?: number;
  /** Changes that a watcher may fall behind. Default 100,000. */
  readonly longestWatchLag?: number;
}

/** PEM. */
export interface EtcdTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}
