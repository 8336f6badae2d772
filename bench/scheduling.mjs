// Pods placed per second, whole way through the API, on simulated nodes that the cluster already has.
import { lines, open, request } from './target.mjs';

const pod = (name) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'bench' } },
  spec: {
    containers: [{ name: 'c', image: 'bench', resources: { requests: { cpu: '10m', memory: '10Mi' } } }],
    terminationGracePeriodSeconds: 0,
  },
});

export async function scheduling(target, pods = 5000) {
  const session = await open(target);
  const namespace = `bench-${process.hrtime.bigint().toString(36)}`;
  await request(session, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await waitForServiceAccount(session, namespace);
  const placed = new Set();
  let finished;
  const done = new Promise((resolve) => {
    finished = resolve;
  });
  const watch = await lines(session, `${path}?watch=1`, (line) => {
    const { object } = JSON.parse(line);
    if (object.spec?.nodeName) placed.add(object.metadata.name);
    if (placed.size === pods) finished();
  });
  const from = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < pods) {
        const answer = await request(session, 'POST', path, pod(`p${next++}`));
        if (answer.status !== 201) throw new Error(`HTTP ${answer.status}: ${answer.body.slice(0, 300)}`);
      }
    }),
  );
  const created = (performance.now() - from) / 1000;
  await done;
  const took = (performance.now() - from) / 1000;
  watch.close();
  await request(session, 'DELETE', `${path}?gracePeriodSeconds=0`);
  await request(session, 'DELETE', `/api/v1/namespaces/${namespace}`);
  session.close();
  return { perSecond: Math.round(pods / took), createdPerSecond: Math.round(pods / created) };
}

async function waitForServiceAccount(session, namespace) {
  for (;;) {
    if ((await request(session, 'GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`)).status === 200)
      return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
