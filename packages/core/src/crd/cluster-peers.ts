import type { Client } from '../client/index.ts';
import type { Informers } from '../informer/index.ts';
import { token } from '../plugin/index.ts';

/** Provided where a host is for one of several clusters: its name among them. */
export const ClusterName = token<string>('ClusterName');

/** How another cluster is read and written. */
export interface ClusterPeer {
  readonly client: Client;
  readonly informers: Informers;
}

/** Provided where a host is for one of several clusters: the others. */
export interface ClusterPeers {
  /** `undefined` where there is no such cluster, or where it is away. */
  get(cluster: string): ClusterPeer | undefined;
}
export const ClusterPeers = token<ClusterPeers>('ClusterPeers');
