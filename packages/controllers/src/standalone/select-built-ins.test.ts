import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as all from '../index.ts';
import { builtIns } from './built-ins.ts';
import { editDistance, nearest } from './nearest.ts';
import { leaseNameOf, listOfBuiltIns, selectBuiltIns } from './select-built-ins.ts';
import { readStandaloneConfig } from './standalone-config.ts';

const namesOf = (...names: readonly string[]) => selectBuiltIns(names).map(({ plugin }) => plugin.name);

it('knows every plugin of the package, in alphabetical order', () => {
  const plugins = Object.entries(all).flatMap(([name, value]) =>
    name.endsWith('Plugin') && 'register' in value ? [value.name] : [],
  );
  expect(builtIns.map(({ plugin }) => plugin.name)).toEqual(plugins.toSorted());
});

it('takes the names of counterparts too, and each once', () => {
  expect(namesOf('scheduler', 'deployment')).toEqual(['deployment', 'scheduler']);
  expect(namesOf('kube-scheduler', 'deployment-controller', 'deployment', 'ttl-after-finished-controller')).toEqual([
    'deployment',
    'job',
    'scheduler',
  ]);
});

it('says which name was meant, and guesses at nothing', () => {
  expect(() => selectBuiltIns(['deploymnet'])).toThrow(
    'there is no plugin "deploymnet"; did you mean "deployment"? (--list names all)',
  );
  expect(() => selectBuiltIns(['x'])).toThrow('there is no plugin "x" (--list names all)');
  expect(nearest('endpoint-slice', ['endpointslice', 'service'])).toBe('endpointslice');
});

it('names Leases after what runs, as long as that has room', () => {
  expect(leaseNameOf(selectBuiltIns(['job', 'deployment']))).toBe('keelson-deployment.job');
  const long = leaseNameOf(builtIns);
  expect(long).toMatch(/^keelson-certificates\.and-24-more\.[0-9a-f]{8}$/);
  expect(leaseNameOf(builtIns.slice(0, -1))).not.toBe(long);
});

it('lists names, counterparts and needs', () => {
  const lines = listOfBuiltIns().split('\n');
  expect(lines).toContain('deployment                 -deployment-controller');
  expect(lines).toContain('scheduler                  kube-scheduler');
  expect(lines[1]?.trim()).toBe("needs CertificateAuthority: the key of the cluster's authority");
});

it('measures how words differ', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});

it('reads options as they stand in keelson.yaml, and says what is wrong with the file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-config-'));
  const file = join(dir, 'c.yaml');
  try {
    writeFileSync(
      file,
      'nodes: 3\ncontrollers:\n  job: true\n  cronjob: false\n  scheduler: { schedulerName: second }\n',
    );
    expect(await readStandaloneConfig(file)).toEqual({
      names: ['job', 'scheduler'],
      options: { scheduler: { schedulerName: 'second' } },
    });
    writeFileSync(file, '');
    expect(await readStandaloneConfig(file)).toEqual({ names: [], options: {} });
    writeFileSync(file, 'controllers: { job: 3 }');
    await expect(readStandaloneConfig(file)).rejects.toThrow(`${file}: controllers.job: `);
    writeFileSync(file, 'controllers: {');
    await expect(readStandaloneConfig(file)).rejects.toThrow(`${file}: `);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
