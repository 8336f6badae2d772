import { loadKubeconfig } from '@keelson/core/client';
import { CsiControllers } from '@keelson/core/csi';
import { type AnyPlugin, HostError, type RunPluginsOptions, runPlugins } from '@keelson/core/host';
import { definePlugin } from '@keelson/core/plugin';
import { RootCa } from '../root-ca/root-ca.ts';
import type { BuiltIn } from './built-ins.ts';
import { leaseNameOf } from './select-built-ins.ts';

export interface RunBuiltInsOptions extends Omit<RunPluginsOptions, 'name' | 'program' | 'clusters'> {
  /** Plugins of others: what they provide counts before what this program does. */
  readonly plugins?: readonly AnyPlugin[];
  /** PEM of the authority that `root-ca` and `secret-token` publish; default: the kubeconfig's. */
  readonly rootCa?: string;
}

/** Where kube-controller-manager and kube-scheduler have their Leases; their roles allow them there. */
const leaseNamespace = 'kube-system';

const scheduler = 'system:kube-scheduler';

/** What the programs are known as elsewhere, so that `managedFields` tell one owner whoever does the work. */
function programOf(chosen: readonly BuiltIn[]): (user: string) => string {
  const others = chosen.every(({ plugin }) => plugin.user === scheduler) ? 'kube-scheduler' : 'kube-controller-manager';
  return (user) => (user === scheduler ? 'kube-scheduler' : others);
}
/**
 * Runs built-ins against any cluster, until SIGINT, SIGTERM or `signal`.
 * @throws Error when there is no cluster to talk to, or a built-in lacks something, with what to do about it
 */
export async function runBuiltIns(
  chosen: readonly BuiltIn[],
  { plugins = [], rootCa, leaderElection = false, ...options }: RunBuiltInsOptions,
): Promise<void> {
  const { kubeconfig, context } = options;
  const name = leaseNameOf(chosen);
  const pem = rootCa ?? (await loadKubeconfig(kubeconfig, { ...(context !== undefined && { context }) })).ca;
  try {
    await runPlugins([surroundings(pem) as AnyPlugin, ...chosen.map(({ plugin }) => plugin), ...plugins], {
      ...options,
      name,
      program: programOf(chosen),
      leaderElection: leaderElection !== false && {
        namespace: leaseNamespace,
        ...(leaderElection !== true && leaderElection),
      },
    });
  } catch (error) {
    throw error instanceof HostError ? explained(error, chosen) : error;
  }
}

/** What a whole cluster has around its controllers, as far as it is there without one. */
function surroundings(rootCa: string | undefined) {
  return definePlugin({
    name: 'standalone',
    register({ provide }) {
      if (rootCa !== undefined) provide.value(RootCa, { pem: rootCa });
      // Volumes are made by the drivers of the cluster, which run as their own provisioners.
      provide.value(CsiControllers, new Map());
    },
  });
}

/** Which contract is missing is said by its token; what that is, and where it may come from, is said here. */
function explained(error: HostError, chosen: readonly BuiltIn[]): Error {
  const lacking = chosen.find(
    ({ plugin, needs }) => needs && error.message.includes(`"${plugin.name}"`) && error.message.includes(needs.token),
  );
  if (lacking?.needs) {
    const { token, what } = lacking.needs;
    return new Error(
      `${lacking.plugin.name} needs ${what}: name a module that provides ${token} by --plugin, or leave it to the cluster's own controller`,
      { cause: error },
    );
  }
  if (error.message.includes('RootCa'))
    return new Error(`the kubeconfig names no certificate authority to publish: give one by --root-ca-file`, {
      cause: error,
    });
  return error;
}
