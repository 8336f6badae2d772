import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testCluster } from '@keelson/apiserver/testing';
import {
  type Client,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  defineOperator,
  type Logger,
  runOperator,
  Secret,
  ServiceAccount,
} from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';

const copier = defineOperator({
  name: 'copier',
  for: Secret,
  owns: [ConfigMap],
  async reconcile({ metadata }, { apply }) {
    await apply(ConfigMap, { metadata: { name: `${metadata.name}-copy` } });
  },
});

/** What a ServiceAccount proves itself by. */
async function tokenOf(client: Client, name: string): Promise<string> {
  const metadata = { name, namespace: 'default' };
  await client.create(ServiceAccount, { metadata });
  const answer = await client.createSubresource(ServiceAccount, metadata, 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  if (typeof answer === 'object' && answer && 'status' in answer) {
    const { status } = answer;
    if (typeof status === 'object' && status && 'token' in status) return String(status.token);
  }
  throw new Error('there is no token');
}

function scrape(port: number, token: string | undefined): Promise<{ code: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    // The certificate signs itself, as that of controller-runtime does.
    get({ host: '127.0.0.1', port, path: '/metrics', headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => resolve({ code: response.statusCode, text }));
    }).once('error', reject);
  });
}

it('an operator serves metrics to whom the API server allows it, and its health to everybody', async () => {
  await using cluster = await testCluster({ socket: true });
  const { client } = cluster;
  const directory = await mkdtemp(join(tmpdir(), 'keelson-observation-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig ?? '', { mode: 0o600 });
  const ports = new Map<string, number>();
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields) => void ports.set(message, Number(fields?.['port'])),
    named: () => logger,
  };
  const stop = new AbortController();
  const running = runOperator(copier, {
    kubeconfig,
    logger,
    metrics: '127.0.0.1:0',
    metricsAuthorization: true,
    health: '127.0.0.1:0',
    leaderElection: true,
    signal: stop.signal,
  });
  try {
    const health = await waitFor(() => ports.get('health is served'), { what: 'health' });
    const metrics = await waitFor(() => ports.get('metrics is served'), { what: 'metrics' });
    await waitFor(async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).status === 200, { what: 'readiness' });
    await client.create(Secret, { metadata: { name: 'a', namespace: 'default' } });
    await waitFor(() => client.get(ConfigMap, { name: 'a-copy', namespace: 'default' }), { what: 'the copy' });

    expect(await scrape(metrics, undefined)).toEqual({ code: 401, text: 'Unauthorized\n' });
    expect(await scrape(metrics, 'nonsense')).toEqual({ code: 401, text: 'Unauthorized\n' });
    expect(await scrape(metrics, await tokenOf(client, 'nosy'))).toEqual({
      code: 403,
      text: 'Authorization denied for user system:serviceaccount:default:nosy\n',
    });
    const token = await tokenOf(client, 'scraper');
    await client.create(ClusterRole, {
      metadata: { name: 'scraper' },
      rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }],
    });
    await client.create(ClusterRoleBinding, {
      metadata: { name: 'scraper' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'scraper' },
      subjects: [{ kind: 'ServiceAccount', name: 'scraper', namespace: 'default' }],
    });
    const { code, text } = await scrape(metrics, token);
    expect(code).toBe(200);
    expect(text).toMatch(/^controller_runtime_reconcile_total\{controller="copier",result="success"\} [1-9]/m);
    expect(text).toMatch(/^rest_client_requests_total\{code="201",method="PATCH",host="127\.0\.0\.1:\d+"\} [1-9]/m);
    expect(text).toContain('\nleader_election_master_status{name="copier"} 1\n');
    expect(text).toMatch(/^keelson_informer_synced\{cluster="",group="",version="v1",resource="secrets".*\} 1$/m);
  } finally {
    stop.abort();
    await running;
    await rm(directory, { recursive: true });
  }
});
