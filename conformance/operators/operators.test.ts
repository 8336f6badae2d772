import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Client, createClient, httpTransport, loadKubeconfig } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, command, eventually } from '../../packages/keelson/test/cluster-process.ts';
import { runAsDeployed } from '../../packages/keelson/test/run-as-deployed.ts';
import { Website, websiteOperator } from '../../packages/keelson/test/versioned-website.ts';
import { Disk, diskOperator } from '../../packages/keelson/test/webhook-operator.ts';
import { realProgram } from '../clients/real-programs.ts';
import { moduleFiles } from './module-files.ts';
import { Program } from './program.ts';
import { refusals } from './refusals.test-data.ts';

const certManager = ['cert-manager-controller', 'cert-manager-webhook', 'cert-manager-cainjector', 'helm3'];
const prometheus = ['prometheus-operator', 'prometheus-admission'];
const built = (programs: readonly string[]) => programs.every((each) => realProgram(each) !== undefined);
const files = {
  certManager: moduleFiles('cert-manager', 'github.com/cert-manager/cert-manager'),
  prometheus: moduleFiles('prometheus-operator', 'github.com/prometheus-operator/prometheus-operator'),
  clusterApi: moduleFiles('cluster-api', 'sigs.k8s.io/cluster-api'),
};
const program = (name: string) => realProgram(name) ?? name;

/**
 * Its webhooks are asked when what is to be trusted has been injected. Of their conditions nothing is said: this
 * cert-manager is older than those, and writes configurations back without.
 */
async function useDisks(client: Client): Promise<void> {
  const disk = (size: number) => ({ metadata: { name: 'tried', namespace: 'default' }, spec: { size } });
  const asked = async () => (await client.create(Disk, disk(1), { dryRun: ['All'] })).spec.team !== undefined;
  await waitFor(asked, { what: 'the disks to be asked about', timeoutMs: 60_000 });
  await expect(client.create(Disk, disk(1001))).rejects.toThrow('denied the request: no team has that much');
}

async function useVersions(client: Client): Promise<void> {
  const metadata = { name: 'hello', namespace: 'default' };
  const made = () => client.create(Website.v1alpha1, { metadata, spec: { text: 'hi', replicas: 3 } });
  await waitFor(made, { what: 'the conversion', timeoutMs: 60_000 });
  expect((await client.get(Website.v1, metadata)).spec).toMatchObject({ page: 'hi', scaling: { max: 3 } });
}

/** Operators that others wrote, as they are built from their modules; CI builds them first. */
describe('operators of others', () => {
  let cluster: ClusterProcess;
  const dir = mkdtempSync(join(tmpdir(), 'kl-operators-'));
  const running: Program[] = [];
  const start = (name: string, args: readonly string[], env: Record<string, string> = {}) => {
    const started = new Program(program(name), args, env);
    running.push(started);
    return started;
  };
  const established = async (group: string) => {
    const { stdout } = await cluster.tryKubectl(
      `get crd -o jsonpath={range.items[?(@.spec.group=="${group}")]}{.status.conditions[?(@.type=="Established")].status}{"\\n"}{end}`,
    );
    return new Set(stdout.trim().split('\n'));
  };

  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated'] });
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await cluster?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  it.skipIf(!(built(certManager) && files.certManager) && !ci)(
    'cert-manager issues certificates, also for operators that are deployed with it, and its webhook refuses what is wrong',
    async () => {
      const port = await freePort();
      const chart = chartOf(files.certManager ?? '', dir);
      const release = ['install', 'cert-manager', chart, '--namespace', 'cert-manager', '--create-namespace'];
      // Its programs run beside the cluster: of its Deployments no pod is wanted.
      const values = [
        'installCRDs=true',
        'startupapicheck.enabled=false',
        'replicaCount=0',
        'webhook.replicaCount=0',
        'cainjector.replicaCount=0',
        `webhook.url.host=localhost:${port}`,
      ];
      const { code, stderr } = await command(program('helm3'), [...release, '--set', values.join(',')], {
        env: { KUBECONFIG: cluster.kubeconfig },
      });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      await eventually(
        () => established('cert-manager.io'),
        (found) => found.size === 1 && found.has('True'),
        'its CRDs',
      );
      const kubeconfig = `--kubeconfig=${cluster.kubeconfig}`;
      start(
        'cert-manager-webhook',
        [
          kubeconfig,
          `--secure-port=${port}`,
          `--healthz-port=${await freePort()}`,
          '--dynamic-serving-ca-secret-namespace=cert-manager',
          '--dynamic-serving-ca-secret-name=cert-manager-webhook-ca',
          '--dynamic-serving-dns-names=localhost',
        ],
        { POD_NAMESPACE: 'cert-manager' },
      );
      start('cert-manager-cainjector', [kubeconfig, '--leader-elect=false'], { POD_NAMESPACE: 'cert-manager' });
      start(
        'cert-manager-controller',
        [kubeconfig, '--leader-elect=false', `--metrics-listen-address=127.0.0.1:${await freePort()}`],
        {
          POD_NAMESPACE: 'cert-manager',
        },
      );
      const issuer = {
        apiVersion: 'cert-manager.io/v1',
        kind: 'Issuer',
        metadata: { name: 'own' },
        spec: { selfSigned: {} },
      };
      // Until its webhook answers and its authority has been injected nothing of it can be made.
      await eventually(
        () => cluster.tryKubectl('apply -f -', JSON.stringify(issuer)),
        (outcome) => outcome.code === 0,
        'an issuer to be taken',
        60_000,
      );
      const certificate = {
        apiVersion: 'cert-manager.io/v1',
        kind: 'Certificate',
        metadata: { name: 'site' },
        spec: { secretName: 'site-tls', dnsNames: ['site.example.com'], issuerRef: { name: 'own' } },
      };
      await cluster.kubectl('apply -f -', JSON.stringify(certificate));
      await cluster.kubectl('wait --for=condition=Ready certificate/site --timeout=60s');
      const secret = await cluster.kubectl('get secret site-tls -o jsonpath={.data.tls\\.crt}');
      const { stdout } = await command('openssl', ['x509', '-noout', '-ext', 'subjectAltName'], {
        input: Buffer.from(secret, 'base64').toString(),
      });
      expect(stdout).toContain('DNS:site.example.com');
      // Its schema takes this; its webhook does not.
      const wrong = {
        ...certificate,
        metadata: { name: 'wrong' },
        spec: { ...certificate.spec, dnsNames: [], duration: '1m' },
      };
      const refused = await cluster.tryKubectl('create -f -', JSON.stringify(wrong));
      const transport = httpTransport(await loadKubeconfig(cluster.kubeconfig));
      try {
        const client = createClient(transport);
        const place = { client, kubeconfig: readFileSync(cluster.kubeconfig, 'utf8'), dir };
        await runAsDeployed(diskOperator, place, () => useDisks(client), { ca: 'cert-manager' });
        await runAsDeployed(websiteOperator, place, () => useVersions(client), { ca: 'cert-manager' });
      } finally {
        transport.close();
      }
      expect(refused.stderr).toMatch(
        /^Error from server \(NotAcceptable\): error when creating "STDIN": admission webhook "webhook\.cert-manager\.io" denied the request: \[spec: Invalid value: "": at least one of commonName, dnsNames, uris ipAddresses, or emailAddresses must be set/,
      );
    },
    240_000,
  );

  it.skipIf(!(built(prometheus) && files.prometheus) && !ci)(
    'prometheus-operator makes a StatefulSet with its configuration, and its webhook refuses a wrong rule',
    async () => {
      const crds = join(files.prometheus ?? '', 'example/prometheus-operator-crd-full');
      await cluster.kubectl(['create', '-f', crds]);
      await eventually(
        () => established('monitoring.coreos.com'),
        (found) => found.size === 1 && found.has('True'),
        'its CRDs',
      );
      const web = await freePort();
      const operator = start('prometheus-operator', [`-web.listen-address=127.0.0.1:${web}`], {
        KUBECONFIG: cluster.kubeconfig,
      });
      await cluster.kubectl('create serviceaccount prometheus');
      await cluster.kubectl(
        'apply -f -',
        JSON.stringify({
          apiVersion: 'monitoring.coreos.com/v1',
          kind: 'Prometheus',
          metadata: { name: 'main' },
          spec: { serviceAccountName: 'prometheus', replicas: 1, serviceMonitorSelector: {} },
        }),
      );
      const made = await eventually(
        () => cluster.tryKubectl('get statefulset/prometheus-main secret/prometheus-main -o name'),
        ({ code }) => code === 0,
        'a StatefulSet and its configuration',
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${operator.said}`);
      });
      expect(made.stdout).toBe('statefulset.apps/prometheus-main\nsecret/prometheus-main\n');
      const configuration = await cluster.kubectl(
        'get secret prometheus-main -o jsonpath={.data.prometheus\\.yaml\\.gz}',
      );
      expect(gunzipSync(Buffer.from(configuration, 'base64')).toString()).toContain('scrape_configs');
      // Its pod waits for an init container that would end only where it really ran.
      const { stdout } = await eventually(
        () => cluster.tryKubectl('get prometheus main -o jsonpath={.status.replicas},{.status.conditions[0].type}'),
        (outcome) => outcome.stdout.startsWith('1,'),
        'its status',
        60_000,
      );
      expect(stdout).toMatch(/^1,(Available|Reconciled)$/);
    },
    240_000,
  );

  it.skipIf(!(built(prometheus) && files.prometheus) && !ci)(
    'a webhook that speaks to the world refuses a wrong rule',
    async () => {
      const port = await freePort();
      const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
      const request = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ];
      await command('openssl', [
        ...request,
        '-keyout',
        key,
        '-out',
        cert,
        '-subj',
        '/CN=hook',
        '-addext',
        'subjectAltName=DNS:localhost',
      ]);
      const args = [`-web.listen-address=127.0.0.1:${port}`, `-web.cert-file=${cert}`, `-web.key-file=${key}`];
      start('prometheus-admission', [...args, `-web.client-ca-file=${join(dir, 'none')}`]);
      const rule = { apiGroups: ['monitoring.coreos.com'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'] };
      await cluster.kubectl(
        'apply -f -',
        JSON.stringify({
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingWebhookConfiguration',
          metadata: { name: 'prometheus' },
          webhooks: [
            {
              name: 'rules.monitoring.coreos.com',
              clientConfig: {
                url: `https://localhost:${port}/admission-prometheusrules/validate`,
                caBundle: readFileSync(cert).toString('base64'),
              },
              rules: [{ ...rule, resources: ['prometheusrules'] }],
              admissionReviewVersions: ['v1'],
              sideEffects: 'None',
              failurePolicy: 'Fail',
            },
          ],
        }),
      );
      const of = (expr: string) =>
        JSON.stringify({
          apiVersion: 'monitoring.coreos.com/v1',
          kind: 'PrometheusRule',
          metadata: { name: 'rules' },
          spec: { groups: [{ name: 'g', rules: [{ record: 'r', expr }] }] },
        });
      await eventually(
        () => cluster.tryKubectl('apply -f -', of('sum(up)')),
        ({ code }) => code === 0,
        'a rule to be taken',
      );
      const refused = await cluster.tryKubectl('apply -f -', of('sum(up'));
      // As kubectl shows the causes that this webhook gives, before a real API server too.
      expect(refused.stderr).toBe(
        'The  "prometheusrules" is invalid: : 4:11: group "g", rule 1, "r": could not parse expression: 1:7: parse error: unclosed left parenthesis\n',
      );
      await cluster.kubectl('delete validatingwebhookconfiguration prometheus');
    },
    120_000,
  );
});

/** Where nothing but the kinds is installed: no webhook speaks before the schema does. */
describe.skipIf(!(files.clusterApi && files.prometheus && files.certManager) && !ci)('kinds of others', () => {
  let cluster: ClusterProcess;
  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated'] });
    const { certManager: manager = '', prometheus: operator = '', clusterApi = '' } = files;
    const untemplated = readdirSync(join(manager, 'deploy/crds'))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => readFileSync(join(manager, 'deploy/crds', name), 'utf8').replace(/^.*\{\{.*\n/gm, ''));
    await cluster.kubectl('create -f -', untemplated.join('\n---\n'));
    await cluster.kubectl(['create', '-f', join(operator, 'example/prometheus-operator-crd-full')]);
    await cluster.kubectl(['create', '-f', join(clusterApi, 'core/config/crd/bases')]);
  }, 60_000);
  afterAll(() => cluster?.remove());

  it('are served', async () => {
    await cluster.kubectl('wait --for=condition=Established crd --all --timeout=30s');
    expect(await cluster.kubectl('get clusters.v1beta2.cluster.x-k8s.io')).toBe('');
  });

  it.each(refusals)('are taken and refused as Kubernetes does: $name', async ({ object, answer }) => {
    const { stdout, stderr } = await cluster.tryKubectl(
      'create --dry-run=server --validate=false -f -',
      JSON.stringify(object),
    );
    // What is wrong with several fields comes in no certain order from a real server either.
    const lines = (text: string) => text.trim().split('\n').sort();
    expect(lines(stderr || stdout)).toEqual(lines(answer));
  });
});

/** The chart as its release tool makes it: with a version, and the CRDs among its templates. */
function chartOf(module: string, dir: string): string {
  const from = join(module, 'deploy/charts/cert-manager');
  const chart = join(dir, 'cert-manager');
  cpSync(from, chart, { recursive: true });
  // The files of modules are there to be read.
  execFileSync('chmod', ['-R', 'u+w', chart]);
  renameSync(join(chart, 'Chart.template.yaml'), join(chart, 'Chart.yaml'));
  for (const name of readdirSync(join(module, 'deploy/crds'))) {
    if (!name.endsWith('.yaml')) continue;
    writeFileSync(join(chart, 'templates', name), readFileSync(join(module, 'deploy/crds', name)));
  }
  return chart;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
