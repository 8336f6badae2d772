import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type KeyPair, makeCertificate } from '../pki/index.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  /** Common name of the client's certificate. */
  readonly peer: string | undefined;
  readonly serverName: string | undefined;
  readonly body: string;
}

export interface TestExtension {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly seen: SeenRequest[];
  /** As whose authority clients are believed; undefined: nobody is. */
  stop(): Promise<void>;
}

export const group = 'ext.test';
const version = `${group}/v1`;
const things = {
  name: 'things',
  singularName: 'thing',
  namespaced: true,
  kind: 'Thing',
  verbs: ['get', 'list', 'watch', 'create'],
  shortNames: ['th'],
  categories: ['all'],
};
const status = { name: 'things/status', singularName: '', namespaced: true, kind: 'Thing', verbs: ['get'] };

const documents: Readonly<Record<string, unknown>> = {
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  [`/apis/${version}`]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: version,
    resources: [things, status],
  },
  '/openapi/v2': {
    swagger: '2.0',
    paths: {
      [`/apis/${version}/things`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Thing' } } } } },
      '/elsewhere/': { get: {} },
    },
    definitions: {
      Thing: { type: 'object' },
      'io.k8s.api.core.v1.Pod': { type: 'object', description: 'another one' },
    },
  },
  '/openapi/v3': { paths: { [`apis/${version}`]: { serverRelativeURL: `/openapi/v3/apis/${version}?hash=ABC` } } },
  [`/openapi/v3/apis/${version}`]: { openapi: '3.0.0', info: { title: 'ext', version: '1' }, paths: {} },
};

/** A server of `ext.test/v1` as somebody else might write it, at all addresses of this machine. */
export async function startExtension(serviceHost: string, now: number): Promise<TestExtension> {
  const day = 24 * 60 * 60 * 1000;
  const validity = { notBefore: now - day, notAfter: now + day };
  const authority = await makeCertificate({ subject: { commonName: 'ext-ca' }, usages: ['ca'], ...validity });
  const own: KeyPair = await makeCertificate(
    { subject: { commonName: 'ext' }, hosts: [serviceHost], usages: ['server'], ...validity },
    authority,
  );
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer(
    { key: own.key, cert: own.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const socket = request.socket as TLSSocket;
        const name = 'servername' in socket ? String(socket.servername) : undefined;
        const { method = '', url = '', headers, rawHeaders } = request;
        const peer = socket.getPeerCertificate().subject?.CN;
        seen.push({
          method,
          url,
          headers,
          rawHeaders,
          peer: Array.isArray(peer) ? peer[0] : peer,
          serverName: name,
          body: Buffer.concat(chunks).toString('utf8'),
        });
        const [path = '', query = ''] = url.split('?');
        const answer = (code: number, value: unknown) => {
          response.writeHead(code, { 'content-type': 'application/json', 'x-own': 'yes' });
          response.end(JSON.stringify(value));
        };
        const document = documents[path];
        if (document) return answer(200, document);
        if (path.endsWith('/redirect')) {
          response.writeHead(302, { location: 'https://example.com/' });
          return response.end();
        }
        if (/watch=(1|true)/.test(query)) {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.write(`${JSON.stringify({ type: 'ADDED', object: { kind: 'Thing', metadata: {} } })}\n`);
          return undefined;
        }
        if (path.endsWith('/things')) {
          return answer(method === 'POST' ? 201 : 200, {
            kind: 'ThingList',
            apiVersion: version,
            metadata: {},
            items: [],
          });
        }
        return answer(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, message: 'own 404' });
      });
    },
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    ca: authority.certificate,
    seen,
    async stop() {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
