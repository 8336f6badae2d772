import { fileURLToPath } from 'node:url';
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  type V1ConfigMap,
  type V1Deployment,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, command, eventually } from '../../packages/keelson/test/cluster-process.ts';
import { realProgram } from './real-programs.ts';

const chart = fileURLToPath(new URL('chart', import.meta.url));

/** Programs that others wrote, as they are built from their modules; CI builds them first. */
describe('real clients', () => {
  let cluster: ClusterProcess;
  const run = (program: string, args: readonly string[], timeoutMs = 100_000) =>
    command(realProgram(program) ?? program, args, { env: { KUBECONFIG: cluster.kubeconfig }, timeoutMs });

  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '2'] });
  });
  afterAll(() => cluster?.remove());

  it.skipIf(!realProgram('clientgo') && !ci)(
    'client-go with protobuf: objects, pages, patches, apply, watches, informers, leader election',
    async () => {
      const { code, stdout, stderr } = await run('clientgo', ['--kubeconfig', cluster.kubeconfig]);
      const steps = stdout
        .trim()
        .split('\n')
        .map((line): { step: string; error?: string } => JSON.parse(line));
      expect(steps.filter(({ error }) => error !== undefined)).toEqual([]);
      expect({ code, steps: steps.length, stderr: code === 0 ? '' : stderr }).toEqual({
        code: 0,
        steps: 11,
        stderr: '',
      });
    },
    120_000,
  );

  it.skipIf(!realProgram('operator') && !ci)('an operator of controller-runtime keeps what it owns', async () => {
    const ended = new AbortController();
    const running = command(realProgram('operator') ?? 'operator', [], {
      env: { KUBECONFIG: cluster.kubeconfig },
      timeoutMs: 100_000,
      signal: ended.signal,
    });
    try {
      await cluster.kubectl(
        'apply -f -',
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: blog, labels: { site: "yes" } }\ndata: { replicas: "2" }\n',
      );
      const ready = (count: string) =>
        eventually(
          () => cluster.tryKubectl('get configmap blog -o jsonpath={.metadata.annotations.ready}'),
          ({ stdout }) => stdout === count,
          `${count} ready`,
        );
      await ready('2');
      expect(await cluster.kubectl('get service blog -o jsonpath={.spec.clusterIP}')).toMatch(/^10\./);
      const before = await cluster.kubectl('get deployment blog -o jsonpath={.metadata.uid}');
      await cluster.kubectl('delete deployment blog');
      await eventually(
        () => cluster.tryKubectl('get deployment blog -o jsonpath={.metadata.uid}'),
        ({ stdout }) => stdout !== '' && stdout !== before,
        'the deployment again',
      );
      await cluster.kubectl(['patch', 'configmap', 'blog', '-p', '{"data":{"replicas":"3"}}']);
      await ready('3');
      await cluster.kubectl('delete configmap blog --timeout=20s');
      await eventually(
        () => cluster.tryKubectl('get deployment,service -l !provider -o name'),
        ({ stdout }) => !stdout.includes('blog'),
        'what the operator owned to be collected',
      );
    } finally {
      ended.abort();
      await running;
    }
  });

  it.each(['helm3', 'helm4'])('%s: install, upgrade, rollback, test, uninstall, and wait for each', async (helm) => {
    if (!realProgram(helm) && !ci) return;
    const release = `site-${helm}`;
    const ok = async (...args: string[]) => {
      const outcome = await run(helm, args);
      expect(outcome.code, `${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`).toBe(0);
      return outcome.stdout;
    };
    const page = () => cluster.kubectl(`get configmap ${release}-page -o jsonpath={.data.page}`);
    const replicas = () => cluster.kubectl(`get deployment ${release} -o jsonpath={.status.readyReplicas}`);
    await ok('install', release, chart, '--wait', '--timeout', '60s');
    expect([await page(), await replicas()]).toEqual(['one', '2']);
    await ok('upgrade', release, chart, '--set', 'page=two,replicas=3', '--wait', '--timeout', '60s');
    expect([await page(), await replicas()]).toEqual(['two', '3']);
    await ok('rollback', release, '1', '--wait', '--timeout', '60s');
    expect([await page(), await replicas()]).toEqual(['one', '2']);
    expect(await ok('test', release, '--timeout', '60s')).toMatch(/Phase: +Succeeded/);
    await ok('upgrade', release, chart, '--set', 'testExitCode=3', '--wait', '--timeout', '60s');
    expect((await run(helm, ['test', release, '--timeout', '20s'])).code).not.toBe(0);
    await ok('uninstall', release, '--wait', '--timeout', '60s');
    expect(await cluster.kubectl(`get deployment,service,configmap -o name`)).not.toContain(release);
  });

  it.skipIf(!realProgram('kubectl') && !ci)('kubectl 1.35', async () => {
    const kubectl = async (...args: string[]) => {
      const outcome = await run('kubectl', args);
      expect(outcome.code, `${args.join(' ')}: ${outcome.stderr}`).toBe(0);
      return outcome.stdout;
    };
    expect(await kubectl('version')).toMatch(/Client Version: v1\.35[\s\S]*Server Version: v1\.35/);
    await kubectl('create', 'deployment', 'newer', '--image=example.com/web:1', '--replicas=2');
    await kubectl('rollout', 'status', 'deployment/newer', '--timeout=60s');
    await kubectl('set', 'image', 'deployment/newer', 'web=example.com/web:2', '--field-manager=test');
    await kubectl('rollout', 'status', 'deployment/newer', '--timeout=60s');
    expect(await kubectl('rollout', 'history', 'deployment/newer')).toMatch(/2 +<none>/);
    await kubectl('scale', 'deployment/newer', '--replicas=3');
    await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=3', 'deployment/newer', '--timeout=60s');
    expect(await kubectl('explain', 'deployment.spec.strategy.rollingUpdate')).toContain('maxSurge');
    expect(await kubectl('api-resources', '-o', 'wide')).toMatch(/leases +coordination.k8s.io\/v1 +true +Lease/);
    expect(await kubectl('get', 'deployment', 'newer', '-o', 'yaml', '--show-managed-fields')).toContain(
      'manager: test',
    );
    expect(await kubectl('apply', '--server-side', '--dry-run=server', '-f', `${chart}/../page.yaml`)).toContain(
      'serverside-applied',
    );
    expect(await kubectl('auth', 'whoami')).toContain('system:masters');
    expect(await kubectl('events', '--for', 'deployment/newer')).toContain('ScalingReplicaSet');
    await kubectl('delete', 'deployment', 'newer', '--cascade=foreground', '--timeout=30s');
    expect(await kubectl('get', 'pods', '-l', 'app=newer')).toBe('');
  });

  describe('@kubernetes/client-node', () => {
    const config = () => {
      const kubeconfig = new KubeConfig();
      kubeconfig.loadFromFile(cluster.kubeconfig);
      return kubeconfig;
    };
    const map = (name: string, data: Record<string, string>): V1ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: { of: 'client-node' } },
      data,
    });

    it('keeps an informer and watches', async () => {
      const core = config().makeApiClient(CoreV1Api);
      const seen: string[] = [];
      const informer = makeInformer(
        config(),
        '/api/v1/namespaces/default/configmaps',
        () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'of=client-node' }),
        'of=client-node',
      );
      for (const event of ['add', 'update', 'delete'] as const)
        informer.on(event, (object: V1ConfigMap) => seen.push(`${event} ${object.metadata?.name}`));
      await informer.start();
      const watched: string[] = [];
      const watch = await new Watch(config()).watch(
        '/api/v1/namespaces/default/configmaps',
        { labelSelector: 'of=client-node', allowWatchBookmarks: true },
        (phase) => watched.push(phase),
        () => undefined,
      );
      await core.createNamespacedConfigMap({ namespace: 'default', body: map('informed', { a: '1' }) });
      await core.replaceNamespacedConfigMap({
        namespace: 'default',
        name: 'informed',
        body: map('informed', { a: '2' }),
      });
      await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'informed' });
      await eventually(
        async () => seen,
        (all) => all.length >= 3,
        'three events',
      );
      expect(seen).toEqual(['add informed', 'update informed', 'delete informed']);
      await eventually(
        async () => watched,
        (all) => all.filter((each) => each !== 'BOOKMARK').length >= 3,
        'three watched events',
      );
      watch.abort();
      await informer.stop();
    });

    it('creates, patches, applies and deletes by the object API', async () => {
      const objects = KubernetesObjectApi.makeApiClient(config());
      const made = await objects.create(map('object', { a: '1' }));
      expect(made.metadata?.uid).toBeTruthy();
      await objects.patch(
        { ...map('object', { b: '2' }) },
        undefined,
        undefined,
        'merger',
        undefined,
        PatchStrategy.MergePatch,
      );
      const applied = await objects.patch(
        { ...map('object', { c: '3' }) },
        undefined,
        undefined,
        'applier',
        true,
        PatchStrategy.ServerSideApply,
      );
      expect(applied).toMatchObject({ data: { a: '1', b: '2', c: '3' } });
      const managers = applied.metadata?.managedFields?.map(({ manager }) => manager);
      expect(managers).toEqual(expect.arrayContaining(['applier', 'merger']));
      expect(managers?.[0]).toBe('applier');
      await objects.delete(map('object', {}));
      await expect(
        objects.read({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'object', namespace: 'default' } }),
      ).rejects.toMatchObject({ code: 404 });
    });

    it('patches a deployment in its own ways', async () => {
      const apps = config().makeApiClient(AppsV1Api);
      const body: V1Deployment = {
        metadata: { name: 'typed' },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: 'typed' } },
          template: {
            metadata: { labels: { app: 'typed' } },
            spec: { containers: [{ name: 'c', image: 'example.com/c:1' }] },
          },
        },
      };
      await apps.createNamespacedDeployment({ namespace: 'default', body });
      const patched = await apps.patchNamespacedDeployment({
        namespace: 'default',
        name: 'typed',
        body: [{ op: 'replace', path: '/spec/replicas', value: 2 }],
      });
      expect(patched.spec?.replicas).toBe(2);
      const scale = await apps.readNamespacedDeploymentScale({ namespace: 'default', name: 'typed' });
      expect(scale.spec?.replicas).toBe(2);
      await apps.deleteNamespacedDeployment({ namespace: 'default', name: 'typed', propagationPolicy: 'Foreground' });
    });
  });
});
