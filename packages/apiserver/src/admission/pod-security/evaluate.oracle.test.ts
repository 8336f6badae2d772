import type { PodSpec } from '@keelson/core';
import { isStatusError } from '@keelson/core';
import { type HttpTransport, httpTransport, loadKubeconfig } from '@keelson/core/client';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { violationsOf, violationsText } from './evaluate.ts';
import { parseVersion } from './policy.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

const policies = ['baseline', 'restricted'].flatMap((level) =>
  ['v1.0', 'v1.8', 'v1.19', 'v1.22', 'v1.24', 'v1.30', 'v1.34', 'latest'].map((version) => ({
    level: level as 'baseline' | 'restricted',
    version,
    namespace: '',
  })),
);

const some = <T extends object>(shape: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record(shape, { requiredKeys: [] });
const capability = fc.constantFrom('ALL', 'NET_BIND_SERVICE', 'CHOWN', 'NET_ADMIN', 'SYS_TIME');
const profile = fc.constantFrom('RuntimeDefault', 'Localhost', 'Unconfined').map((type) => ({
  type,
  ...(type === 'Localhost' && { localhostProfile: 'x' }),
}));
const seLinuxOptions = some({
  type: fc.constantFrom('container_t', 'container_engine_t', 'spc_t', ''),
  user: fc.constantFrom('', 'u'),
  role: fc.constantFrom('', 'r'),
  level: fc.constant('s0'),
});
const shared = {
  runAsNonRoot: fc.boolean(),
  runAsUser: fc.constantFrom(0, 1),
  seccompProfile: profile,
  appArmorProfile: profile,
  seLinuxOptions,
};
const containerContext = some({
  ...shared,
  privileged: fc.boolean(),
  allowPrivilegeEscalation: fc.boolean(),
  procMount: fc.constantFrom('Default', 'Unmasked'),
  capabilities: some({ add: fc.uniqueArray(capability), drop: fc.uniqueArray(capability) }),
});
const probe = fc.constantFrom(
  { httpGet: { port: 80, host: 'h' } },
  { tcpSocket: { port: 80, host: 'g' } },
  { httpGet: { port: 80 } },
);
const container = some({
  securityContext: containerContext,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: some({ preStop: probe }),
  ports: fc
    .uniqueArray(fc.constantFrom(80, 8080, 9000), { maxLength: 2 })
    .map((ports) => ports.map((containerPort) => ({ containerPort, hostPort: containerPort }))),
});
const source = fc.constantFrom(
  { emptyDir: {} },
  { hostPath: { path: '/x' } },
  { nfs: { server: 's', path: '/' } },
  { configMap: { name: 'c' } },
  { csi: { driver: 'd.example.com' } },
);
const named = <T extends object>(list: readonly T[] | undefined, prefix: string) =>
  list?.map((each, at) => ({ name: `${prefix}${at}`, ...each }));
const spec: fc.Arbitrary<PodSpec> = fc
  .tuple(
    some({
      hostNetwork: fc.boolean(),
      hostPID: fc.boolean(),
      hostIPC: fc.boolean(),
      hostUsers: fc.boolean(),
      securityContext: some({
        ...shared,
        sysctls: fc
          .uniqueArray(fc.constantFrom('net.ipv4.tcp_rmem', 'net.ipv4.tcp_syncookies', 'net.ipv4.tcp_wmem'))
          .map((names) => names.map((name) => ({ name, value: '1' }))),
      }),
    }),
    fc.array(container, { minLength: 1, maxLength: 3 }),
    fc.array(container, { maxLength: 1 }),
    fc.array(source, { maxLength: 3 }),
  )
  .map(([rest, containers, init, volumes]) => {
    // What is not valid in itself would not be judged.
    const hostless = rest.hostUsers === false ? { hostNetwork: false, hostPID: false, hostIPC: false } : {};
    const settle = ({ securityContext, ports, ...each }: (typeof containers)[number], at: number) => ({
      image: 'i',
      ...each,
      ...(ports && { ports: ports.map(({ hostPort }) => ({ hostPort: hostPort + at, containerPort: hostPort + at })) }),
      securityContext: {
        ...securityContext,
        ...(securityContext?.privileged && { allowPrivilegeEscalation: true }),
        ...(rest.hostUsers !== false && { procMount: 'Default' }),
      },
    });
    const { sysctls, ...context } = rest.securityContext ?? {};
    return {
      ...rest,
      ...hostless,
      securityContext: { ...context, ...(sysctls && !rest.hostNetwork && { sysctls }) },
      containers: containers.map((each, at) => ({ name: `c${at}`, ...settle(each, at) })),
      ...(init.length > 0 && {
        initContainers: init.map((each, at) => ({ name: `i${at}`, restartPolicy: 'Always', ...settle(each, at + 10) })),
      }),
      ...(volumes.length > 0 && { volumes: named(volumes, 'v') ?? [] }),
    };
  }) as fc.Arbitrary<PodSpec>;

const made = z.object({ metadata: z.object({ name: z.string() }) });

describe.runIf(kubeconfig)('beside a real control plane', () => {
  let theirs: HttpTransport;
  const pods = { verb: 'create', group: '', version: 'v1', resource: 'pods' } as const;
  const namespaces = { group: '', version: 'v1', resource: 'namespaces' } as const;

  beforeAll(async () => {
    theirs = httpTransport(await loadKubeconfig(kubeconfig));
    for (const policy of policies) {
      const { level, version } = policy;
      const labels = {
        'pod-security.kubernetes.io/enforce': level,
        'pod-security.kubernetes.io/enforce-version': version,
      };
      const body = { metadata: { generateName: 'pod-security-', labels } };
      policy.namespace = made.parse(await theirs.request({ ...namespaces, verb: 'create', body })).metadata.name;
    }
    for (const { namespace } of policies) {
      const account = { group: '', version: 'v1', resource: 'serviceaccounts', namespace, name: 'default' };
      await vi.waitFor(() => theirs.request({ ...account, verb: 'get' }), { timeout: 10_000, interval: 100 });
    }
  }, 60_000);
  afterAll(async () => {
    for (const { namespace } of policies) await theirs.request({ ...namespaces, verb: 'delete', name: namespace });
  });

  it('judges any pod alike', async () => {
    const numRuns = Number(process.env['KEELSON_TEST_RUNS'] ?? 500);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(spec, fc.constantFrom(...policies), async (pod, { level, version, namespace }) => {
        const body = { metadata: { name: 'x' }, spec: pod };
        let real = '';
        try {
          await theirs.request({ ...pods, namespace, body, options: { dryRun: ['All'] } });
        } catch (error) {
          if (!isStatusError(error)) throw error;
          if (error.code === 422) return;
          real = error.message;
        }
        compared++;
        const found = violationsText(
          violationsOf({ annotations: {}, spec: pod }, { level, version: parseVersion(version) ?? Number.NaN }),
        );
        const ours = found && `pods "x" is forbidden: violates PodSecurity "${level}:${version}": ${found}`;
        expect(ours).toBe(real);
      }),
      { numRuns },
    );
    // The others were not valid in themselves.
    expect(compared).toBeGreaterThan(numRuns / 5);
  }, 600_000);
});
