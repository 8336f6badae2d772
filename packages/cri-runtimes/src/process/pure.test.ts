import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundingSet } from './capabilities.ts';
import { limitsV1, limitsV2 } from './cgroups.ts';
import { argvOf } from './container-plan.ts';
import { logLines, maxLineBytes } from './log-lines.ts';
import { command } from './shell.ts';
import { imageSignal, signalNumber } from './signals.ts';

const time = '2026-01-01T00:00:00.000000000Z';
const image = { Entrypoint: ['/e'], Cmd: ['c'], Env: [], User: '', WorkingDir: '', StopSignal: '', Labels: {} };

describe('log lines', () => {
  it('keep every byte, however the output is cut', () => {
    const piece = fc.oneof(fc.string(), fc.constant('\n'), fc.constant('x'.repeat(maxLineBytes + 5)));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(40_000), { maxLength: 6 }), (pieces, cuts) => {
        const output = Buffer.from(pieces.join(''));
        const ends = [...cuts.map((cut) => cut % (output.length + 1)), output.length].sort((a, b) => a - b);
        let at = 0;
        let log = '';
        for (const [index, end] of ends.entries()) {
          const { text, consumed } = logLines(output.subarray(at, end), 'stdout', time, {
            final: index === ends.length - 1,
          });
          log += text.toString('latin1');
          at += consumed;
        }
        expect(at).toBe(output.length);
        const back = log
          .split('\n')
          .slice(0, -1)
          .map((line) => line.slice(time.length + ' stdout P '.length) + (line[time.length + 8] === 'F' ? '\n' : ''));
        expect(back.join('')).toBe(output.toString('latin1'));
      }),
    );
  });
});

describe('shell words', () => {
  it('survive the shell, whatever they hold', () => {
    const word = fc.string({ unit: fc.constantFrom(...`ab "'$\`\\\n*?[]{}()<>|&;#!~=%-`), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (words) => {
        const script = `for w in ${command(...words)}; do printf '%s\\0' "$w"; done`;
        const said = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
        expect(said.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });
});

describe('decisions', () => {
  it('about capabilities follow add and drop', () => {
    expect(boundingSet({ dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] })).toBe(
      '-all,+net_bind_service',
    );
    expect(boundingSet({ addCapabilities: ['ALL'], dropCapabilities: ['CAP_SYS_ADMIN'] })).toBe('+all,-sys_admin');
    expect(boundingSet(undefined)).toContain('+chown');
    expect(boundingSet({ dropCapabilities: ['CHOWN'] })).not.toContain('chown,');
  });

  it('about the command follow Docker', () => {
    expect(argvOf({}, image)).toEqual(['/e', 'c']);
    expect(argvOf({ args: ['a'] }, image)).toEqual(['/e', 'a']);
    expect(argvOf({ command: ['x'] }, image)).toEqual(['x']);
    expect(() => argvOf({}, { ...image, Entrypoint: [], Cmd: [] })).toThrow('no command specified');
  });

  it('about limits speak both versions of control groups', () => {
    const resources = {
      memoryLimitInBytes: 64,
      memorySwapLimitInBytes: 64,
      cpuShares: 1024,
      cpuQuota: 50_000,
      cpuPeriod: 100_000,
    };
    expect(limitsV1(resources)).toContainEqual(['cpu.cfs_quota_us', '50000']);
    expect(limitsV2(resources)).toEqual([
      ['memory.max', '64'],
      ['memory.swap.max', '0'],
      ['cpu.weight', '39'],
      ['cpu.max', '50000 100000'],
    ]);
    expect(limitsV1(undefined)).toEqual([]);
  });

  it('about signals read names and numbers', () => {
    expect(imageSignal('QUIT')).toBe('SIGQUIT');
    expect(imageSignal('3')).toBe('SIGQUIT');
    expect(imageSignal('')).toBe('SIGTERM');
    expect(signalNumber('SIGRTMINPLUS3')).toBe(37);
    expect(signalNumber('SIGRTMAXMINUS1')).toBe(63);
  });
});
