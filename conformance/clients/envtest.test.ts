import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ci, cli, command } from '../../packages/keelson/test/cluster-process.ts';
import { realProgram } from './real-programs.ts';

const module = fileURLToPath(new URL('../modules/envtest', import.meta.url));

/** Suites of controller-runtime as they come from its module; nothing is told to them but where they find their programs. */
describe('suites that start their API server by envtest', () => {
  let assets = '';
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-envtest-'));
    const { code, stdout, stderr } = await command(process.execPath, [cli, 'testenv', '--path', '--dir', dir]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    assets = stdout.trim();
  });
  afterAll(() => rm(assets, { recursive: true, force: true }));

  it.each([
    ['client', 295],
    ['envtest', 28],
  ])(
    'controller-runtime/pkg/%s: %i tests',
    async (name, tests) => {
      const suite = realProgram(`envtest-${name}`);
      if (!suite && !ci) return;
      const target = `sigs.k8s.io/controller-runtime/pkg/${name}`;
      // Their test data lies beside them.
      const { stdout: cwd } = await command('go', ['list', '-f', '{{.Dir}}', target], { cwd: module });
      const { code, stdout } = await command(suite ?? name, ['-ginkgo.no-color'], {
        cwd: cwd.trim(),
        env: { KUBEBUILDER_ASSETS: assets, USE_EXISTING_CLUSTER: 'false' },
        timeoutMs: 280_000,
      });
      expect(stdout.slice(-2_000)).toContain(`SUCCESS! -- ${tests} Passed | 0 Failed`);
      expect(code).toBe(0);
    },
    300_000,
  );
});
