// A server in front of another that can hold back what it sends, and let it go all at once: how fast a client takes in
// events is seen only when more of them are there than it can take. HTTP/1.1 and HTTP/2 over TLS, as API servers speak.
import { randomBytes } from 'node:crypto';
import { createSecureServer } from 'node:http2';
import { makeCertificate } from '@keelson/core/certificates';
import { open } from './target.mjs';

const piece = 64 * 1024;

const drained = (response) =>
  new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });

/** `kubeconfig`: as JSON, for whoever is to come through the gate. */
export async function openGate(target) {
  const now = Date.now();
  const { certificate, key } = await makeCertificate({
    subject: { commonName: 'bench' },
    hosts: ['127.0.0.1'],
    usages: ['ca', 'server'],
    notBefore: now - 60_000,
    notAfter: now + 86_400_000,
  });
  const token = randomBytes(32).toString('hex');
  const behind = await open(target);
  let held = false;
  const waiting = new Set();

  const server = createSecureServer({ cert: certificate, key, allowHTTP1: true }, (request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    const stream = behind.request({
      ':method': request.method,
      ':path': request.url,
      accept: request.headers.accept ?? 'application/json',
    });
    let queue = [];
    let writing = false;
    let ended = false;
    const flow = async () => {
      if (writing || held) return;
      writing = true;
      while (queue.length > 0 && !held && !response.destroyed) {
        // What lay here goes on in large pieces, as from a server that has much to send.
        let bytes = 0;
        let count = 0;
        while (count < queue.length && bytes < piece) bytes += queue[count++].length;
        const lot = count === 1 ? queue[0] : Buffer.concat(queue.slice(0, count));
        queue = queue.slice(count);
        if (!response.write(lot)) await drained(response);
      }
      writing = false;
      if (ended && queue.length === 0) response.end();
    };
    waiting.add(flow);
    stream.on('response', (headers) => {
      response.writeHead(headers[':status'], { 'content-type': headers['content-type'] });
      response.flushHeaders?.();
    });
    stream.on('data', (chunk) => {
      queue.push(chunk);
      void flow();
    });
    stream.on('end', () => {
      ended = true;
      void flow();
    });
    stream.on('error', () => response.destroy());
    response.on('close', () => {
      waiting.delete(flow);
      stream.close();
    });
  });
  const sockets = new Set();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base64 = (text) => Buffer.from(text).toString('base64');
  return {
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'gate',
      contexts: [{ name: 'gate', context: { cluster: 'gate', user: 'gate' } }],
      clusters: [
        {
          name: 'gate',
          cluster: {
            server: `https://127.0.0.1:${server.address().port}`,
            'certificate-authority-data': base64(certificate),
          },
        },
      ],
      users: [{ name: 'gate', user: { token } }],
    }),
    hold() {
      held = true;
    },
    release() {
      held = false;
      for (const flow of waiting) void flow();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      behind.destroy();
    },
  };
}
