import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ipv4At, parseIpv4Range } from '@keelson/core/machinery';
import { z } from 'zod';
import { startTicks } from './instance.ts';
import { UserError } from './user-error.ts';

const exec = promisify(execFile);

/** The machine's first IPv4 address that is not loopback. */
export function machineAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find((each) => each.family === 'IPv4' && !each.internal)?.address;
}

/** The last address of a range, which no node gives to a pod: where pods find the API. */
export function lastAddress(cidr: string): string {
  return ipv4At(parseIpv4Range(cidr), -2);
}

const claimSchema = z.object({ pid: z.int(), startTicks: z.string(), dataDir: z.string() });

/**
 * Gives this machine an address that only it and its pods reach; the function returned takes it away. The address stands
 * for the ranges of a whole cluster, so another cluster that lives and has it is an error; what a dead one left is taken.
 * @throws UserError when another cluster uses the address
 */
export async function claimLocalAddress(
  address: string,
  dataDir: string,
  signal?: AbortSignal,
): Promise<() => Promise<void>> {
  const dir = '/run/keelson';
  const file = join(dir, `${address}.json`);
  const other = readClaim(file);
  if (other && other.pid !== process.pid && startTicks(other.pid) === other.startTicks) {
    throw new UserError(
      `the cluster on ${other.dataDir} (process ${other.pid}) uses the same addresses on this machine; stop it, or set podCidr and api.serviceCidr in keelson.yaml`,
    );
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify({ pid: process.pid, startTicks: startTicks(process.pid) ?? '', dataDir }), {
    mode: 0o600,
  });
  await exec('ip', ['addr', 'replace', `${address}/32`, 'dev', 'lo'], { signal });
  return async () => {
    await exec('ip', ['addr', 'del', `${address}/32`, 'dev', 'lo']);
    rmSync(file, { force: true });
  };
}

function readClaim(file: string): z.output<typeof claimSchema> | undefined {
  try {
    return claimSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Not there, or half written by somebody who died: nobody's.
    return undefined;
  }
}
