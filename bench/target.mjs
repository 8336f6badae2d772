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

export function open(target) {
  return new Promise((resolve, reject) => {
    const session = connect(target.origin, { ...target.tls, settings: { initialWindowSize: 1 << 24 } });
    session.setMaxListeners(0);
    session.once('remoteSettings', () => resolve(session));
    session.once('error', reject);
  });
}

/** Resolves to the status and the body as text. */
export function request(session, method, path, body, headers = {}) {
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
    stream.on('end', () => resolve({ status, body: Buffer.concat(chunks).toString() }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

/** Calls back for every line of an answer that goes on. */
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
  stream.on('error', () => undefined);
  return new Promise((resolve) => stream.once('response', () => resolve(stream)));
}

export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
