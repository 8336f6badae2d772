import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** The machine's first IPv4 address that is not loopback. */
export function machineAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find((each) => each.family === 'IPv4' && !each.internal)?.address;
}

/** The last address of a range, which no node gives to a pod: where pods find the API. */
export function lastAddress(cidr: string): string {
  const [base = '', bits = '32'] = cidr.split('/');
  const value = base.split('.').reduce((sum, each) => sum * 256 + Number(each), 0);
  const size = 2 ** (32 - Number(bits));
  const last = value - (value % size) + size - 2;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}

/** Gives this machine an address that only it and its pods reach; the function returned takes it away. */
export async function addLocalAddress(address: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  await exec('ip', ['addr', 'replace', `${address}/32`, 'dev', 'lo'], { signal });
  return async () => {
    await exec('ip', ['addr', 'del', `${address}/32`, 'dev', 'lo']);
  };
}
