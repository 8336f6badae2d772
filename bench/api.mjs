// Durable writes and watch fan-out of an API server over TLS, on any Kubernetes.
import { lines, open, percentile, request } from './target.mjs';

const text = 'x'.repeat(700);
const configMap = (name) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { bench: 'writes' } },
  data: { text },
});

async function inNamespace(target, work) {
  const session = await open(target);
  const name = `bench-${process.hrtime.bigint().toString(36)}`;
  await expectStatus(
    request(session, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    201,
  );
  try {
    return await work(session, name);
  } finally {
    await request(session, 'DELETE', `/api/v1/namespaces/${name}`);
    session.close();
  }
}

async function expectStatus(answer, status) {
  const got = await answer;
  if (got.status !== status) throw new Error(`HTTP ${got.status}: ${got.body.slice(0, 300)}`);
  return got;
}

/** Creates ConfigMaps of about 1 kB for `seconds`; each client has a connection of its own. */
export function durableWrites(target, clients, seconds = 5) {
  return inNamespace(target, async (_, namespace) => {
    const sessions = await Promise.all(Array.from({ length: Math.min(clients, 16) }, () => open(target)));
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const latencies = [];
    let count = 0;
    const run = async (until, record) => {
      await Promise.all(
        Array.from({ length: clients }, async (_, index) => {
          const session = sessions[index % sessions.length];
          while (performance.now() < until) {
            const from = performance.now();
            await expectStatus(request(session, 'POST', path, configMap(`c${index}-${count++}`)), 201);
            if (record) latencies.push(performance.now() - from);
          }
        }),
      );
    };
    await run(performance.now() + 1000, false);
    const from = performance.now();
    await run(from + seconds * 1000, true);
    const took = (performance.now() - from) / 1000;
    for (const session of sessions) session.close();
    latencies.sort((a, b) => a - b);
    return {
      perSecond: Math.round(latencies.length / took),
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
    };
  });
}

/** One change to many watches over a few connections: milliseconds until the last watcher has it. */
export function fanOut(target, watchers = 1000, connections = 4, rounds = 40) {
  return inNamespace(target, async (session, namespace) => {
    // A server may allow fewer streams a connection than are wanted here (Kubernetes: 100 or 250).
    const perConnection = session.remoteSettings.maxConcurrentStreams ?? watchers;
    const count = Math.max(connections, Math.ceil(watchers / (perConnection * 0.8)));
    const sessions = await Promise.all(Array.from({ length: count }, () => open(target)));
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await expectStatus(request(session, 'POST', path, configMap('watched')), 201);
    const list = JSON.parse((await request(session, 'GET', path)).body);
    let waiting = 0;
    let all;
    const onLine = () => {
      if (--waiting === 0) all();
    };
    await Promise.all(
      Array.from({ length: watchers }, (_, index) =>
        lines(
          sessions[index % connections],
          `${path}?watch=1&fieldSelector=metadata.name%3Dwatched&resourceVersion=${list.metadata.resourceVersion}`,
          onLine,
        ),
      ),
    );
    const times = [];
    for (let round = 0; round < rounds + 5; round++) {
      const done = new Promise((resolve) => {
        all = resolve;
      });
      waiting = watchers;
      const from = performance.now();
      await expectStatus(
        request(
          session,
          'PATCH',
          `${path}/watched`,
          { data: { round: String(round) } },
          { 'content-type': 'application/merge-patch+json' },
        ),
        200,
      );
      await done;
      if (round >= 5) times.push(performance.now() - from);
    }
    for (const each of sessions) each.destroy();
    times.sort((a, b) => a - b);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), connections: count };
  });
}
