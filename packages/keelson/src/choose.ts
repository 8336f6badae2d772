import { execNetworkPlugin, noNetworkPlugin, routedNetworkPlugin } from '@keelson/cni-plugins';
import { NetworkProvider } from '@keelson/core/cni';
import { RuntimeProvider } from '@keelson/core/cri';
import { type AnyPlugin, createHost } from '@keelson/core/host';
import type { Logger } from '@keelson/core/plugin';
import { processRuntimePlugin, remoteRuntimePlugin, simulatedRuntimePlugin } from '@keelson/cri-runtimes';
import type { ClusterConfig } from './config/schema.ts';
import { UserError } from './user-error.ts';

/** A part of the node that was chosen, and why, for people. */
export interface Chosen {
  readonly name: string;
  readonly plugin: AnyPlugin;
  readonly options: Readonly<Record<string, unknown>>;
  readonly reason: string;
}

interface Candidate {
  readonly name: string;
  readonly plugin: AnyPlugin;
  readonly options: Readonly<Record<string, unknown>>;
}

type Probe = (
  candidate: Candidate,
  signal?: AbortSignal,
) => Promise<{ readonly usable: boolean; readonly reason: string }>;

const runtimes = {
  remote: remoteRuntimePlugin,
  process: processRuntimePlugin,
  simulated: simulatedRuntimePlugin,
} as const;
const networks = { routed: routedNetworkPlugin, exec: execNetworkPlugin, none: noNetworkPlugin } as const;

/** Options that every candidate of a kind gets, whatever the configuration says. */
export interface ChoiceDefaults {
  readonly runtime: (name: keyof typeof runtimes) => Readonly<Record<string, unknown>>;
  readonly network: (name: keyof typeof networks) => Readonly<Record<string, unknown>>;
}

/**
 * The runtime that the configuration names, or the best one that this machine can run: real containers before processes.
 * Throws `UserError` when what was asked for cannot be had here.
 */
export function chooseRuntime(
  config: ClusterConfig,
  defaults: ChoiceDefaults,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Chosen> {
  const candidate = (name: keyof typeof runtimes, options: Readonly<Record<string, unknown>> = {}): Candidate => ({
    name,
    plugin: runtimes[name] as AnyPlugin,
    options: { ...defaults.runtime(name), ...options },
  });
  const { name, options } = config.runtime;
  const wanted = name === 'auto' ? [candidate('remote'), candidate('process')] : [candidate(name, options)];
  return choose('runtime', wanted, name === 'auto', (each) => mini(each, logger).get(RuntimeProvider).probe(signal));
}

/** The network that the configuration names, or our own where the machine allows it; simulated pods need none. */
export function chooseNetwork(
  config: ClusterConfig,
  runtime: Chosen,
  defaults: ChoiceDefaults,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Chosen> {
  const candidate = (name: keyof typeof networks, options: Readonly<Record<string, unknown>> = {}): Candidate => ({
    name,
    plugin: networks[name] as AnyPlugin,
    options: { ...defaults.network(name), ...options },
  });
  const { name, options } = config.network;
  const auto =
    runtime.name === 'simulated' ? [candidate('none')] : [candidate('routed'), candidate('exec'), candidate('none')];
  const wanted = name === 'auto' ? auto : [candidate(name, options)];
  return choose('network', wanted, name === 'auto', (each) => mini(each, logger).get(NetworkProvider).probe(signal));
}

async function choose(
  kind: 'runtime' | 'network',
  candidates: readonly Candidate[],
  auto: boolean,
  probe: Probe,
): Promise<Chosen> {
  const refused: string[] = [];
  for (const candidate of candidates) {
    const { usable, reason } = await probe(candidate);
    const before = refused.length > 0 ? `; ${refused.join('; ')}` : '';
    if (usable) return { ...candidate, reason: `${reason}${before}` };
    refused.push(`not ${candidate.name}: ${reason}`);
  }
  const advice = auto ? '' : `; name another in keelson.yaml, or "auto"`;
  throw new UserError(`${kind}: ${refused.join('; ')}${advice}`);
}

/** A host of one plugin, to ask its provider something before the cluster is put together. */
function mini({ plugin, options }: Candidate, logger: Logger) {
  return createHost({ plugins: [plugin], options: { [plugin.name]: options }, logger });
}
