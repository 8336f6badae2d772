import { token } from '../plugin/index.ts';

/** Provided where a host is for one of several clusters: its name among them. */
export const ClusterName = token<string>('ClusterName');
