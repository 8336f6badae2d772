import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  identify,
  identifyNow,
  isAlive,
  type ProcessIdentity,
  signalGroup,
  signalProcess,
} from './process-identity.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Leads a group of its own. */
function start(script: string): { readonly child: ChildProcess; readonly identity: ProcessIdentity } {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const identity = identifyNow(child.pid ?? 0);
  if (identity === undefined) throw new Error('it did not start');
  return { child, identity };
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));

describe('a signal', () => {
  it('goes to the process that was meant', async () => {
    const { child, identity } = start('exec sleep 1000');
    expect(await identify(identity.pid)).toEqual(identity);
    const end = ended(child);
    expect(signalProcess(identity, 'SIGTERM')).toBe(true);
    expect(await end).toBe('SIGTERM');
    expect(await isAlive(identity)).toBe(false);
    expect(signalProcess(identity, 'SIGTERM')).toBe(false);
    expect(signalGroup(identity, 'SIGTERM')).toBe(false);
  });

  it('does not go to a later process of the same number, nor to its group', async () => {
    const { child, identity } = start('exec sleep 1000');
    const earlier = { ...identity, startTicks: identity.startTicks - 1 };
    expect(signalProcess(earlier, 'SIGKILL')).toBe(false);
    expect(signalGroup(earlier, 'SIGKILL')).toBe(false);
    const end = ended(child);
    expect(signalGroup(identity, 'SIGINT')).toBe(true);
    // The first signal that came.
    expect(await end).toBe('SIGINT');
  });

  it('goes to what is left of a group whose leader is gone', async () => {
    const { child, identity } = start('sleep 1000 & echo $!');
    const end = ended(child);
    const pid = await new Promise<number>((resolve) => child.stdout?.once('data', (line) => resolve(Number(line))));
    await end;
    const left = identifyNow(pid);
    expect(left).toBeDefined();
    expect(signalGroup(identity, 'SIGKILL')).toBe(true);
    if (left) await waitFor(async () => !(await isAlive(left)), { what: 'the end of what was left' });
  });
});
