import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ci } from '../../packages/keelson/test/cluster-process.ts';
import { binary } from '../binaries.mjs';
import { realProgram } from '../clients/real-programs.ts';
import { realControlPlanePrograms } from '../real-control-plane.ts';
import { parseTests } from '../suite/ledger.ts';
import { runSuite, type SuiteResult } from '../suite/run-suite.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { counterpartsOf, kinds, testsOf } from './kinds.ts';
import { asBuilt, type RunningProgram, startOurs } from './our-program.ts';

const programs = ['etcd', 'kube-apiserver', ...realControlPlanePrograms, 'ginkgo', 'e2e.test', 'kubectl'];
/** Those that the issue names. */
const tried = kinds.slice(0, 5);
const all = parseTests(readFileSync(new URL('../tests.tsv', import.meta.url), 'utf8'));

/** The short form of `npm run builtins`: all at once in one control plane, each in a process of its own. */
describe.skipIf(programs.some((each) => !realProgram(each)) && !ci)(
  'built-ins alone in the real control plane, their counterparts switched off',
  () => {
    let dir: string;
    let controlPlane: ControlPlane | undefined;
    let running: readonly RunningProgram[] = [];
    let result: SuiteResult;

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'keelson-builtins-'));
      const plane = await startControlPlane(dir, counterpartsOf(tried.flatMap(({ plugins }) => plugins)));
      controlPlane = plane;
      running = await Promise.all(
        tried.map(({ plugins }) => startOurs(asBuilt, { plugins, controlPlane: plane, dir })),
      );
      const tests = tried.flatMap((kind) => testsOf(kind, all, { short: true }));
      result = await runSuite({ kubeconfig: plane.kubeconfig, dir, tests, procs: 2, timeout: '6m', attempts: 2 });
    }, 540_000);
    afterAll(async () => {
      await Promise.all(running.map((each) => each.stop()));
      await controlPlane?.stop();
      rmSync(dir, { recursive: true, force: true });
    }, 90_000);

    it.each(tried)('$name passes tests of its kind', (kind) => {
      const tests = testsOf(kind, all, { short: true });
      expect(tests).toHaveLength(kind.quick.length);
      for (const { name } of tests)
        expect(`${name}: ${result.seen.get(name)?.state} ${result.failures.get(name) ?? ''}`).toBe(`${name}: passed `);
    });

    it('service keeps ranges of addresses, which no test of the suite looks at', async () => {
      const { kubeconfig } = controlPlane ?? fail();
      const kubectl = (args: readonly string[], input = '') =>
        execFileSync(binary('kubectl'), [`--kubeconfig=${kubeconfig}`, ...args], { input, encoding: 'utf8' });
      const [apiVersion, kind, name] = ['networking.k8s.io/v1', 'ServiceCIDR', 'more'];
      kubectl(
        ['create', '-f', '-'],
        JSON.stringify({ apiVersion, kind, metadata: { name }, spec: { cidrs: ['10.97.0.0/24'] } }),
      );
      kubectl(['wait', '--for=condition=Ready', 'servicecidr/more', '--timeout=60s']);
      expect(kubectl(['get', 'servicecidr', name, '-o=jsonpath={.metadata.finalizers}'])).toBe(
        '["networking.k8s.io/service-cidr-finalizer"]',
      );
    });

    it('all end in order when they are asked to', async () => {
      expect(await Promise.all(running.map((each) => each.stop()))).toEqual(tried.map(() => 0));
    }, 60_000);
  },
);

function fail(): never {
  throw new Error('the control plane did not start');
}
