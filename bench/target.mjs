// A cluster as a load generator sees it: HTTP/2 with a client certificate, by kubeconfig. Works on any Kubernetes.
import { readFileSync } from 'node:fs';
import { connect, constants } from 'node:http2';
import { parse } from 'yaml';

export function loadTarget(kubeconfig) {
  const config = parse(readFileSync(kubeconfig, 'utf8'));
  const context = config.contexts.find((each) => each.name === config['current-context']).context;
  const cluster = config.clusters.find((each) => each.name === context.cluster).cluster;
  const user = config.users.find((each) => each.name === context.user).user;
  const material = (inline, path) => (inline ? Buffer.from(inline, 'base64') : path ? readFileSync(path) : undefined);
  return {
    origin: cluster.server,
    tls: {
      ca: material(cluster['certificate-authority-data'], cluster['certificate-authority']),
      cert: material(user['client-certificate-data'], user['client-certificate']),
      key: material(user['client-key-data'], user['client-key']),
    },
  };
}

/** A connection. Its windows are wide: what is measured is the server, not how often it is told to go on. */
export function open(target) {
  return new Promise((resolve, reject) => {
    const session = connect(target.origin, { ...target.tls, settings: { initialWindowSize: 1 << 24 } });
    session.setMaxListeners(0);
    session.once('connect', () => session.setLocalWindowSize(1 << 26));
    session.once('remoteSettings', () => resolve(session));
    session.once('error', reject);
  });
}

/** Resolves to the status and the body. A body to send is an object, for JSON, or bytes. */
export function exchange(session, method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      {
        ':method': method,
        ':path': path,
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      { endStream: body === undefined },
    );
    let status = 0;
    const chunks = [];
    stream.on('response', (answer) => {
      status = answer[constants.HTTP2_HEADER_STATUS];
    });
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => resolve({ status, body: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

/** As `exchange`; the body as text. */
export async function request(session, method, path, body, headers = {}) {
  const answer = await exchange(session, method, path, body, headers);
  return { status: answer.status, body: answer.body.toString() };
}

export async function expectStatus(answer, status) {
  const got = await answer;
  if (got.status !== status) throw new Error(`HTTP ${got.status}: ${got.body.toString().slice(0, 300)}`);
  return got;
}

/** Calls back for every line of an answer that goes on. Rejects if the answer is no 200. */
export function lines(session, path, onLine) {
  const stream = session.request({ ':method': 'GET', ':path': path, accept: 'application/json' });
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      onLine(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
  });
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.once('response', (answer) => {
      const status = answer[constants.HTTP2_HEADER_STATUS];
      if (status === 200) resolve(stream);
      else reject(new Error(`HTTP ${status} for ${path}`));
    });
  });
}

export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Works in a namespace of its own. It stays: emptying it would be measured with what comes next. */
export async function inNamespace(target, work) {
  const session = await open(target);
  const name = `bench-${process.hrtime.bigint().toString(36)}`;
  await expectStatus(
    request(session, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    201,
  );
  try {
    return await work(session, name);
  } finally {
    session.close();
  }
}
