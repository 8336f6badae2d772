import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Clock, definePlugin, Informers, Lifecycles, Logger } from '@keelson/core';
import { z } from 'zod';
import { NftablesProxier } from './nftables-proxier.ts';
import { ServiceProxy } from './service-proxy.ts';
import { UserSpaceProxier } from './user-space-proxier.ts';

const options = z.strictObject({
  /** `auto`: nftables where this process may use it. Node ports on loopback are served in user space in any case. */
  mode: z.enum(['auto', 'nftables', 'user-space']).default('auto'),
  serviceCidr: z.string().default('10.96.0.0/16'),
  nodeIp: z.string().default('127.0.0.1'),
  table: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('keelson-proxy'),
});

/** Makes Service addresses and node ports work on this machine. */
export const serviceProxyPlugin = definePlugin({
  name: 'service-proxy',
  options: options.prefault({}),
  user: 'system:kube-proxy',
  register({ provide, options: { mode, ...rest } }) {
    provide.factory(
      Lifecycles,
      (informers, clock, logger) =>
        new ServiceProxy(informers, clock, logger, async () => {
          const userSpace = new UserSpaceProxier(logger.named('service-proxy'));
          const nftables = mode === 'nftables' || (mode === 'auto' && (await nftablesUsable()));
          return nftables
            ? [new NftablesProxier({ ...rest, logger: logger.named('service-proxy') }), userSpace]
            : [userSpace];
        }),
      [Informers, Clock, Logger],
    );
  },
});

/** Whether this process may change nftables; asks in check mode, which changes nothing. */
export async function nftablesUsable(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    await promisify(execFile)('nft', ['-c', 'add table ip keelson-probe']);
    return true;
  } catch {
    return false;
  }
}
