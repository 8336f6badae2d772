import type { Plugin } from '../plugin/index.ts';
import { type RunPluginsOptions, runPlugins } from './run-plugins.ts';
import type { AnyPlugin } from './select-plugins.ts';

/** As of `runPlugins`; the Lease, if there is one, is named after the operator. */
export type RunOperatorOptions = Omit<RunPluginsOptions, 'name' | 'options' | 'program' | 'serviceAccounts'>;

/**
 * Runs an operator against any Kubernetes cluster, until SIGINT, SIGTERM or `signal`; resolves when it has stopped.
 * @throws Error when there is no cluster to talk to, or the operator does not start
 */
export function runOperator(operator: Plugin<undefined>, options: RunOperatorOptions = {}): Promise<void> {
  return runPlugins([operator as AnyPlugin], { ...options, name: operator.name });
}
