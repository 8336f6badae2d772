import type { ParseArgsConfig } from 'node:util';
import { messageOf, systemClock } from '../machinery/index.ts';
import type { RunPluginsOptions } from './run-plugins.ts';
import { type WebhookFlagValues, webhookFlags, webhookFlagsHelp, webhookSettings } from './webhook-flags.ts';

/** What every program that works on a cluster takes: for `parseArgs` of Node. */
export const runFlags = {
  'leader-elect': { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'metrics-bind-address': { type: 'string' },
  'health-probe-bind-address': { type: 'string' },
  record: { type: 'string' },
  ...webhookFlags,
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

/** What the flags that all programs of operators share were given. */
export interface RunFlagValues extends WebhookFlagValues {
  readonly 'leader-elect': boolean;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly 'metrics-bind-address'?: string | undefined;
  readonly 'health-probe-bind-address'?: string | undefined;
  readonly record?: string | undefined;
}

/** What the help of such a program ends with. */
export const runFlagsHelp = `Addresses: a port on loopback (8080), a port on all addresses (:8080), or host:port. Default: nothing is served.

${webhookFlagsHelp}
With --record <directory> it writes what it sees and does into files there, for \`keelson replay\`.

Without a kubeconfig: KUBECONFIG, ~/.kube/config, or the service account of the pod.
`;

/** The flags as options of `runPlugins` and `runOperator`. */
export function runSettings(
  values: RunFlagValues,
): Pick<RunPluginsOptions, 'leaderElection' | 'kubeconfig' | 'context' | 'metrics' | 'health' | 'record' | 'webhooks'> {
  const { kubeconfig, context, record, 'metrics-bind-address': metrics, 'health-probe-bind-address': health } = values;
  const webhooks = webhookSettings(values);
  return {
    leaderElection: values['leader-elect'],
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    ...(metrics !== undefined && { metrics }),
    ...(health !== undefined && { health }),
    ...(webhooks && { webhooks }),
    ...(record !== undefined && { record }),
  };
}

/** What does not end by itself after an error, such as a reconcile that does not heed its signal, has so long. */
const lingerMs = 1_000;

/** Runs a program to its end; an error becomes one message on standard error and the exit code 1. */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
    systemClock.after(lingerMs, () => process.exit());
  }
}
