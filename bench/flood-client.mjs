// A client in a thread of its own, started by flood.mjs: one that floods, or one whose requests are timed.
import { connect } from 'node:http2';
import { parentPort, workerData } from 'node:worker_threads';

const { origin, ca, token, namespace, flood, requests } = workerData;
let stopped = false;
parentPort.once('message', () => {
  stopped = true;
});

const connection = () => {
  const session = connect(origin, { ca, settings: { initialWindowSize: 1 << 20 } });
  session.setMaxListeners(0);
  session.on('error', () => undefined);
  return session;
};

const ask = (session, method, path, body) =>
  new Promise((resolve, reject) => {
    const headers = { ':method': method, ':path': path, authorization: `Bearer ${token}` };
    if (body) headers['content-type'] = 'application/json';
    const stream = session.request(headers, { endStream: body === undefined });
    let status = 0;
    stream.once('response', (answer) => {
      status = answer[':status'];
    });
    stream.on('data', () => undefined);
    stream.once('error', reject);
    stream.once('close', () => resolve(status));
    if (body) stream.end(body);
  });

/** What a flood asks for, by turns. */
const floodsOf = {
  lists: ['/api/v1/configmaps', '/api/v1/configmaps?watch=1&resourceVersion=0&timeoutSeconds=1'],
  reads: [`/api/v1/namespaces/${namespace}/configmaps/first`],
  unknown: ['/api/v1/namespaces'],
};

/** Asks again at once, whatever it is told, until it is stopped; how often it was told what. */
async function floods() {
  const counts = {};
  const loops = Array.from({ length: flood.connections }, connection).flatMap((session) =>
    Array.from({ length: flood.loops }, async (_, at) => {
      const paths = floodsOf[flood.kind];
      const path = paths[at % paths.length];
      while (!stopped) {
        const status = await ask(session, 'GET', path);
        counts[status] = (counts[status] ?? 0) + 1;
        if (status === 429 || flood.kind !== 'lists') parentPort.postMessage('refused');
      }
    }),
  );
  await Promise.all(loops);
  return counts;
}

/** What each of its requests took, in ms: by turns it reads one object and creates one. */
async function works() {
  const session = connection();
  const times = [];
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'w-' }, data: { a: 'b' } };
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  for (let each = 0; each < requests; each++) {
    const write = each % 2 === 1;
    const begun = performance.now();
    const status = write
      ? await ask(session, 'POST', path, JSON.stringify(object))
      : await ask(session, 'GET', `${path}/first`);
    times.push(performance.now() - begun);
    if (status !== (write ? 201 : 200)) throw new Error(`HTTP ${status}`);
  }
  session.destroy();
  return times;
}

parentPort.postMessage({ result: await (flood ? floods() : works()) });
process.exit(0);
