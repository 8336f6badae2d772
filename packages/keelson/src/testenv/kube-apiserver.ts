import { join } from 'node:path';
import { apiServerPlugin, Pki } from '@keelson/apiserver';
import { definePlugin, type Logger, systemClock } from '@keelson/core';
import { type AnyPlugin, createHost } from '@keelson/core/host';
import { askDataDir } from './etcd-stand-in.ts';
import { openGivenPki } from './given-pki.ts';
import { type ApiServerFlags, parseApiServerFlags } from './kube-apiserver-flags.ts';

/** Runs until the signal. Rejects with what is wrong with the flags, or why it does not start. */
export async function runKubeApiServer(args: readonly string[], logger: Logger, signal: AbortSignal): Promise<void> {
  const flags = parseApiServerFlags(args);
  for (const each of flags.ignored) logger.warn(`--${each} has no effect on this server`);
  const pki = await openGivenPki(flags, systemClock);
  const given = definePlugin({ name: 'given-pki', register: ({ provide }) => provide.value(Pki, pki) });
  const { bindAddress, port, options } = flags;
  const host = createHost({
    plugins: [apiServerPlugin as AnyPlugin, given as AnyPlugin],
    options: { apiserver: { ...options, bindAddress, port, ...(await storeOf(flags)) } },
    logger,
  });
  try {
    await host.start(signal);
    if (!signal.aborted) await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await host.stop();
  }
}

/** A server that is started again beside the same etcd has what it had before. */
async function storeOf({ etcdServers, etcdTls }: ApiServerFlags): Promise<Readonly<Record<string, unknown>>> {
  const [first] = etcdServers;
  if (first === undefined) throw new Error('--etcd-servers must be specified');
  const dataDir = await askDataDir(first);
  if (dataDir !== undefined) return { dataDir: join(dataDir, 'keelson') };
  return { store: { etcd: { endpoints: etcdServers, ...etcdTls } } };
}
