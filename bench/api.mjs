// Durable writes and watch fan-out of an API server over TLS, on any Kubernetes.
import { configMap, protobufType, toProtobuf } from './messages.mjs';
import { exchange, expectStatus, inNamespace, lines, open, percentile, request } from './target.mjs';

/** Creates ConfigMaps of about 1 kB for `seconds`; up to sixteen connections. */
export function durableWrites(target, { clients, protobuf = false, seconds = 5 }) {
  return inNamespace(target, async (_, namespace) => {
    const sessions = await Promise.all(Array.from({ length: Math.min(clients, 16) }, () => open(target)));
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const headers = protobuf ? { accept: protobufType, 'content-type': protobufType } : {};
    const encode = protobuf ? toProtobuf : JSON.stringify;
    const latencies = [];
    let count = 0;
    const run = async (until, record) => {
      await Promise.all(
        Array.from({ length: clients }, async (_, index) => {
          const session = sessions[index % sessions.length];
          while (performance.now() < until) {
            const body = encode(configMap(`c${index}-${count++}`));
            const from = performance.now();
            await expectStatus(exchange(session, 'POST', path, body, headers), 201);
            if (record) latencies.push(performance.now() - from);
          }
        }),
      );
    };
    await run(performance.now() + 2000, false);
    const from = performance.now();
    await run(from + seconds * 1000, true);
    const took = (performance.now() - from) / 1000;
    for (const session of sessions) session.close();
    latencies.sort((a, b) => a - b);
    return {
      perSecond: Math.round(latencies.length / took),
      count,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
    };
  });
}

/** How many connections hold so many streams. Kubernetes allows 100 on each; some stay free for other requests. */
function connectionsFor(session, streams, least) {
  const limit = session.remoteSettings.maxConcurrentStreams ?? streams;
  return Math.max(least, Math.ceil(streams / Math.max(1, Math.floor(limit * 0.8))));
}

/** One change to many watches over a few connections: milliseconds until the last watcher has it. */
export function fanOut(target, { watchers = 1000, connections = 4, rounds = 100 } = {}) {
  return inNamespace(target, async (session, namespace) => {
    const count = connectionsFor(session, watchers, connections);
    const sessions = await Promise.all(Array.from({ length: count }, () => open(target)));
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await expectStatus(request(session, 'POST', path, configMap('watched')), 201);
    const list = JSON.parse((await request(session, 'GET', path)).body);
    let waiting = 0;
    let all = () => undefined;
    const onLine = () => {
      if (--waiting === 0) all();
    };
    const selected = `${path}?watch=1&fieldSelector=metadata.name%3Dwatched&resourceVersion=${list.metadata.resourceVersion}`;
    const watches = await Promise.all(
      Array.from({ length: watchers }, (_, index) => lines(sessions[index % count], selected, onLine)),
    );
    // A watch that breaks off must end the measurement, not leave it waiting for ever.
    const broken = new Promise((_, reject) => {
      for (const each of watches) each.once('close', () => reject(new Error('a watch broke off')));
    });
    broken.catch(() => undefined);
    const times = [];
    for (let round = 0; round < rounds + 10; round++) {
      const done = new Promise((resolve) => {
        all = resolve;
      });
      waiting = watchers;
      const from = performance.now();
      const patched = request(
        session,
        'PATCH',
        `${path}/watched`,
        { data: { round: String(round) } },
        { 'content-type': 'application/merge-patch+json' },
      );
      await Promise.race([done, broken]);
      if (round >= 10) times.push(performance.now() - from);
      await expectStatus(patched, 200);
    }
    for (const each of sessions) each.destroy();
    times.sort((a, b) => a - b);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), connections: count };
  });
}
