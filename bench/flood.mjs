// One user floods the server with lists and watches, over several connections; how long does another wait meanwhile?
import { Worker } from 'node:worker_threads';
import { expectStatus, inNamespace, percentile, request } from './target.mjs';

const objects = 1000;

function client(data) {
  const worker = new Worker(new URL('./flood-client.mjs', import.meta.url), { workerData: data });
  const heard = { refused: 0 };
  const result = new Promise((resolve, reject) => {
    worker.on('message', (message) => {
      if (message === 'refused') heard.refused++;
      else resolve(message.result);
    });
    worker.once('error', reject);
  });
  return { heard, result, stop: () => worker.postMessage('stop') };
}

/** A ServiceAccount's token; it may do everything. */
async function account(session, namespace, name) {
  const meta = { metadata: { name } };
  const post = async (path, body) => JSON.parse((await expectStatus(request(session, 'POST', path, body), 201)).body);
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await post(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', ...meta });
  await post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `${namespace}-${name}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  return (await post(`${accounts}/${name}/token`, asked)).status.token;
}

/** The same token with another signature: nobody's. */
function unsigned(token) {
  const [head, claims, signature] = token.split('.');
  return [head, claims, signature.split('').reverse().join('')].join('.');
}

/**
 * p50 and p99 of the other's requests in ms, in calm and under the flood, and what the flood got a second. `kind` of flood:
 * `lists` and watches of all there is, `reads` of one small object, `unknown`: with a token that is no good.
 */
export function flooded(target, { kind = 'lists', requests = 1000, connections = 4, loops = 100 } = {}) {
  return inNamespace(target, async (session, namespace) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const data = { text: 'x'.repeat(1000) };
    for (const name of ['first', ...Array.from({ length: objects }, (_, at) => `c${at}`)]) {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
      await expectStatus(request(session, 'POST', path, body), 201);
    }
    const common = { origin: target.origin, ca: target.tls.ca, namespace };
    const other = await account(session, namespace, 'other');
    const one = kind === 'unknown' ? unsigned(other) : await account(session, namespace, 'one');
    const round = async () => {
      const times = (await client({ ...common, token: other, requests }).result).sort((a, b) => a - b);
      return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), worst: times.at(-1) };
    };
    await round();
    const calm = await round();
    const flood = client({ ...common, token: one, flood: { kind, connections, loops } });
    const from = performance.now();
    // Until the server has begun to refuse.
    const end = from + 5000;
    while (flood.heard.refused < 10 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    const under = await round();
    const seconds = (performance.now() - from) / 1000;
    flood.stop();
    const counts = await flood.result;
    const rates = Object.fromEntries(
      Object.entries(counts).map(([code, count]) => [code, Math.round(count / seconds)]),
    );
    return { calm, under, rates };
  });
}
