import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../../server/start-test-api-server.ts';
import { type TestReply, type TestRequest, TestRequests } from '../../server/test-requests.ts';
import { PodSecurityOptions } from './options.ts';

type Labels = Readonly<Record<string, string | null>>;

const labels = (policy: Labels) =>
  Object.fromEntries(Object.entries(policy).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]));

const pod = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'x', ...metadata },
  spec: { containers: [{ name: 'a', image: 'i' }], ...spec },
});
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'i' }] } };
const jobTemplate = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
const selector = { matchLabels: { a: 'b' } };

const bare =
  'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

/** A server with one namespace after the other; the answers are those of a real v1.35.4. */
class Cluster {
  readonly requests: TestRequests;
  readonly #server: TestApiServer;

  constructor(server: TestApiServer) {
    this.#server = server;
    this.requests = new TestRequests(server);
  }

  async stop(): Promise<void> {
    this.requests.close();
    await this.#server.stop();
  }

  send(method: string, path: string, body?: unknown, more: Partial<TestRequest> = {}): Promise<TestReply> {
    return this.requests.send({ method, path, ...(body !== undefined && { body }), ...more });
  }

  async namespace(name: string, policy: Labels = {}): Promise<TestReply> {
    const reply = await this.send('POST', '/api/v1/namespaces', { metadata: { name, labels: labels(policy) } });
    await this.send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
    return reply;
  }

  label(name: string, policy: Labels, query = '?dryRun=All'): Promise<TestReply> {
    const body = { metadata: { labels: labels(policy) } };
    return this.send('PATCH', `/api/v1/namespaces/${name}${query}`, body, { type: 'application/merge-patch+json' });
  }

  pod(namespace: string, body: object, query = '?dryRun=All', more: Partial<TestRequest> = {}): Promise<TestReply> {
    return this.send('POST', `/api/v1/namespaces/${namespace}/pods${query}`, body, more);
  }

  deployment(namespace: string, spec: object = {}): Promise<TestReply> {
    const body = { metadata: { name: 'x' }, spec: { selector, template, ...spec } };
    return this.send('POST', `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`, body);
  }
}

describe('PodSecurity', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = new Cluster(await startTestApiServer({ socket: true }));
  }, 60_000);
  afterAll(() => cluster.stop());

  it('refuses labels that it cannot read', async () => {
    const message = async (policy: Labels) => {
      const metadata = { name: 'psx', labels: labels(policy) };
      return (await cluster.send('POST', '/api/v1/namespaces?dryRun=All', { metadata })).message;
    };
    const level = (label: string, value: string) =>
      `metadata.labels[pod-security.kubernetes.io/${label}]: Invalid value: "${value}": must be one of privileged, baseline, restricted`;
    const version = (label: string, value: string) =>
      `metadata.labels[pod-security.kubernetes.io/${label}]: Invalid value: "${value}": must be "latest" or "v1.x"`;
    expect(await message({ enforce: 'x' })).toBe(`Namespace "psx" is invalid: ${level('enforce', 'x')}`);
    for (const text of ['x', 'v2.0', 'v1.01', 'v01.1', 'v1.1.1', 'Latest', 'v1.99999999999999999999']) {
      expect(await message({ 'enforce-version': text })).toBe(
        `Namespace "psx" is invalid: ${version('enforce-version', text)}`,
      );
    }
    const all = {
      enforce: 'x',
      'enforce-version': '1.2',
      audit: 'y',
      'audit-version': 'v1',
      warn: 'Baseline',
      'warn-version': '',
    };
    expect(await message(all)).toBe(
      `Namespace "psx" is invalid: [${level('enforce', 'x')}, ${version('enforce-version', '1.2')}, ` +
        `${level('audit', 'y')}, ${version('audit-version', 'v1')}, ${level('warn', 'Baseline')}, ${version('warn-version', '')}]`,
    );
    expect(await message({ enforce: 'baseline', 'enforce-version': 'v1.99', foo: 'x' })).toBe('');
  });

  it('refuses pods, and warns of templates', async () => {
    await cluster.namespace('pa1', { enforce: 'restricted' });
    expect((await cluster.pod('pa1', pod())).message).toBe(
      `pods "x" is forbidden: violates PodSecurity "restricted:latest": ${bare}`,
    );
    expect((await cluster.pod('pa1', pod({ hostPID: true }))).message).toBe(
      `pods "x" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostPID=true), ${bare}`,
    );
    const warning = `would violate PodSecurity "restricted:latest": ${bare}`;
    const apps = '/apis/apps/v1/namespaces/pa1';
    const made: readonly (readonly [path: string, body: object])[] = [
      [`${apps}/deployments`, { spec: { selector, template } }],
      [`${apps}/replicasets`, { spec: { selector, template } }],
      [`${apps}/statefulsets`, { spec: { selector, template } }],
      [`${apps}/daemonsets`, { spec: { selector, template } }],
      ['/apis/batch/v1/namespaces/pa1/jobs', { spec: { template: jobTemplate } }],
      [
        '/apis/batch/v1/namespaces/pa1/cronjobs',
        { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate } } } },
      ],
      ['/api/v1/namespaces/pa1/replicationcontrollers', { spec: { selector: { a: 'b' }, template } }],
      ['/api/v1/namespaces/pa1/podtemplates', { template }],
    ];
    for (const [path, body] of made) {
      const reply = await cluster.send('POST', `${path}?dryRun=All`, { metadata: { name: 'x' }, ...body });
      expect([path, reply.code, reply.message, reply.warnings]).toEqual([path, 201, '', [warning]]);
    }
  });

  it('warns of what is enforced, unless warnings are asked for otherwise', async () => {
    const warningsIn = async (name: string, policy: Labels) => {
      await cluster.namespace(name, policy);
      return (await cluster.deployment(name)).warnings.map((text) => text.slice(0, 45));
    };
    const old = { enforce: 'restricted', 'enforce-version': 'v1.0' };
    expect(await warningsIn('wa1', old)).toEqual(['would violate PodSecurity "restricted:v1.0": ']);
    expect(await warningsIn('wa2', { ...old, 'warn-version': 'v1.20' })).toEqual([
      'would violate PodSecurity "restricted:v1.20":',
    ]);
    expect(await warningsIn('wa3', { ...old, warn: 'baseline' })).toEqual([]);
    expect(await warningsIn('wa4', { ...old, warn: 'restricted' })).toEqual([
      'would violate PodSecurity "restricted:latest"',
    ]);
    expect(await warningsIn('wa5', { audit: 'restricted' })).toEqual([]);
    expect(await warningsIn('wa6', { 'enforce-version': 'v1.5' })).toEqual([]);
    await cluster.namespace('wa7', { enforce: 'baseline', warn: 'restricted', 'warn-version': 'v1.19' });
    expect((await cluster.pod('wa7', pod())).warnings).toEqual([
      'would violate PodSecurity "restricted:v1.19": ' +
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ]);
    expect(await cluster.pod('wa7', pod({ hostPID: true }))).toMatchObject({
      message: 'pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)',
      warnings: [],
    });
  });

  it('judges profiles that are annotations', async () => {
    await cluster.namespace('aa1', { enforce: 'baseline' });
    const annotations = { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' };
    expect((await cluster.pod('aa1', pod({}, { annotations }))).message).toBe(
      'pods "x" is forbidden: violates PodSecurity "baseline:latest": forbidden AppArmor profiles (container "a" and ' +
        'annotation must not set AppArmor profile type to "Unconfined", ' +
        '"container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
    );
  });

  it('lets updates be that make nothing worse', async () => {
    await cluster.namespace('pu');
    expect((await cluster.pod('pu', pod(), '')).code).toBe(201);
    await cluster.label('pu', { enforce: 'restricted', warn: 'baseline' }, '');
    const patch = (subresource: string, body: object, type = 'application/merge-patch+json') =>
      cluster.send('PATCH', `/api/v1/namespaces/pu/pods/x${subresource}?dryRun=All`, body, { type });
    const strategic = 'application/strategic-merge-patch+json';
    const refused = `pods "x" is forbidden: violates PodSecurity "restricted:latest": ${bare}`;
    expect((await patch('', { metadata: { labels: { a: 'b' } } })).code).toBe(200);
    expect((await patch('', { spec: { activeDeadlineSeconds: 100 } })).code).toBe(200);
    expect((await patch('/status', { status: { message: 'x' } })).code).toBe(200);
    expect((await patch('', { spec: { containers: [{ name: 'a', image: 'j' }] } }, strategic)).message).toBe(refused);
    const ephemeral = (securityContext: object) =>
      patch(
        '/ephemeralcontainers',
        { spec: { ephemeralContainers: [{ name: 'e', image: 'i', securityContext }] } },
        strategic,
      );
    const good = {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    expect((await ephemeral(good)).message).toBe(refused);
    expect((await ephemeral({ privileged: true })).message).toBe(
      'pods "x" is forbidden: violates PodSecurity "restricted:latest": ' +
        'privileged (container "e" must not set securityContext.privileged=true), ' +
        'allowPrivilegeEscalation != false (containers "a", "e" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (containers "a", "e" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or containers "a", "e" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or containers "a", "e" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  it('warns of pods that are there, grouped by what is wrong with them', async () => {
    await cluster.namespace('pn');
    const gates = { schedulingGates: [{ name: 'a/b' }] };
    const make = (name: string, spec: object = {}) => cluster.pod('pn', pod({ ...gates, ...spec }, { name }), '');
    for (const name of ['c-bare', 'a-bare']) expect((await make(name)).code).toBe(201);
    await make('b-hostpid', { hostPID: true });
    await make('e-hostpid', { hostPID: true });
    await make('f-hostnet', { hostNetwork: true, hostPID: true });
    const heading = (level: string) =>
      `existing pods in namespace "pn" violate the new PodSecurity enforce level "${level}"`;
    const reasons =
      'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
    expect((await cluster.label('pn', { enforce: 'restricted' })).warnings).toEqual([
      heading('restricted:latest'),
      `a-bare (and 1 other pod): ${reasons}`,
      `b-hostpid (and 2 other pods): host namespaces, ${reasons}`,
    ]);
    expect((await cluster.label('pn', { enforce: 'privileged' })).warnings).toEqual([]);
    expect((await cluster.label('pn', { warn: 'restricted', audit: 'restricted' })).warnings).toEqual([]);
    expect((await cluster.label('pn', { enforce: 'x', warn: 'y' })).message).toContain('Namespace "pn" is invalid: [');
    const baseline = [heading('baseline:latest'), 'b-hostpid (and 2 other pods): host namespaces'];
    expect((await cluster.label('pn', { enforce: 'baseline' }, '')).warnings).toEqual(baseline);
    expect((await cluster.label('pn', { enforce: 'baseline', foo: 'x' })).warnings).toEqual([]);
    expect((await cluster.label('pn', { 'enforce-version': 'latest' })).warnings).toEqual([]);
    expect((await cluster.label('pn', { 'enforce-version': 'v1.0' })).warnings[0]).toBe(heading('baseline:v1.0'));
    await cluster.label('pn', { enforce: 'restricted' }, '');
    expect((await cluster.label('pn', { enforce: 'baseline' })).warnings).toEqual([]);
    expect((await cluster.label('pn', { enforce: 'baseline', 'enforce-version': 'v1.0' })).warnings[0]).toBe(
      heading('baseline:v1.0'),
    );
    expect((await cluster.label('pn', { enforce: null })).warnings).toEqual([]);
  });
});

describe('PodSecurity with exemptions', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const podSecurity = PodSecurityOptions.parse({
      defaults: {
        enforce: 'baseline',
        'enforce-version': 'v1.30',
        audit: 'restricted',
        warn: 'restricted',
        'warn-version': 'v1.20',
      },
      exemptions: { usernames: ['exempt-user'], runtimeClasses: ['exempt-class'], namespaces: ['ex1', 'ex2'] },
    });
    cluster = new Cluster(await startTestApiServer({ socket: true, registry: { podSecurity } }));
  }, 60_000);
  afterAll(() => cluster.stop());

  it('holds namespaces without labels to the defaults', async () => {
    await cluster.namespace('d');
    expect((await cluster.pod('d', pod({ hostPID: true }))).message).toBe(
      'pods "x" is forbidden: violates PodSecurity "baseline:v1.30": host namespaces (hostPID=true)',
    );
    expect((await cluster.pod('d', pod())).warnings[0]).toContain('would violate PodSecurity "restricted:v1.20": ');
    await cluster.namespace('w', { enforce: 'restricted', 'enforce-version': 'v1.5' });
    expect((await cluster.deployment('w')).warnings[0]).toContain('would violate PodSecurity "restricted:v1.20": ');
  });

  it('does not judge who is exempt', async () => {
    const as = { user: 'exempt-user', groups: ['system:masters'] };
    expect((await cluster.pod('d', pod({ hostPID: true }), undefined, { as })).code).toBe(201);
    const runtimeClass = { metadata: { name: 'exempt-class' }, handler: 'x' };
    await cluster.send('POST', '/apis/node.k8s.io/v1/runtimeclasses', runtimeClass);
    expect((await cluster.pod('d', pod({ hostPID: true, runtimeClassName: 'exempt-class' }))).code).toBe(201);
  });

  it('says that labels of an exempt namespace count for nothing', async () => {
    const ignored = (name: string, text: string) =>
      `namespace "${name}" is exempt from Pod Security, and the policy (${text}) will be ignored`;
    const policy = { enforce: 'restricted', audit: 'restricted', 'audit-version': 'v1.2', warn: 'baseline' };
    expect((await cluster.namespace('ex1', policy)).warnings).toEqual([
      ignored('ex1', 'enforce=restricted:v1.30, audit=restricted:v1.2, warn=baseline:v1.20'),
    ]);
    expect((await cluster.pod('ex1', pod({ hostPID: true }))).code).toBe(201);
    expect((await cluster.namespace('ex2')).warnings).toEqual([]);
    expect((await cluster.label('ex2', { enforce: 'restricted' })).warnings).toEqual([
      ignored('ex2', 'enforce=restricted:v1.30'),
    ]);
    expect((await cluster.label('ex2', { warn: 'restricted' })).warnings).toEqual([]);
    expect((await cluster.label('ex2', { enforce: 'privileged' })).warnings).toEqual([]);
  });
});
