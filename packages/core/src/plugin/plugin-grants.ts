import type { PolicyRule } from '../api/index.ts';
import { token } from './token.ts';

/** What one plugin's user has to be allowed; the API server's bootstrap makes a ClusterRole and its binding of it. */
export interface PluginGrant {
  readonly plugin: string;
  /** The user as whom the plugin's `Client` speaks. */
  readonly user: string;
  readonly rules: readonly PolicyRule[] | 'cluster-admin';
}

/** The grants of every plugin of the host; a value that the host itself provides. */
export const PluginGrants = token<readonly PluginGrant[]>('PluginGrants');
