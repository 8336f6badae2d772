import { createServer, request as httpsRequest, type Server } from 'node:https';
import { Node, Pod } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../../server/index.ts';

describe('passing requests on to kubelets', () => {
  let server: TestApiServer;
  let kubelet: Server;
  const seen: string[] = [];
  const warnings: string[] = [];
  const onWarning = (warning: Error) => warnings.push(warning.name);

  beforeAll(async () => {
    process.on('warning', onWarning);
    server = await startTestApiServer({ socket: true });
    const { pki, client } = server;
    const own = await pki?.issueServing({ commonName: 'system:node:n1', organizations: ['system:nodes'] }, [
      '127.0.0.1',
    ]);
    kubelet = createServer(
      { cert: own?.certificate, key: own?.key, ca: pki?.ca, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.push(`${request.method} ${request.url}`);
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.end('a line of log\n');
      },
    );
    kubelet.on('upgrade', (request, socket) => {
      seen.push(`UPGRADE ${request.url} ${request.headers['authorization'] ?? 'without token'}`);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n');
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
    const address = kubelet.address();
    const Port = typeof address === 'object' && address ? address.port : 0;
    const node = await client.create(Node, { metadata: { name: 'n1' }, spec: {} });
    await client.updateStatus(Node, {
      ...node,
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port } },
      },
    });
    const type = { group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true };
    await client.create(type, { metadata: { name: 'default', namespace: 'default' } });
    const container = (name: string) => ({ name, image: 'x' });
    const pod = (name: string, nodeName: string | undefined, ...names: string[]) =>
      client.create(Pod, {
        metadata: { name, namespace: 'default' },
        spec: { containers: names.map(container), ...(nodeName && { nodeName }) },
      });
    await pod('one', 'n1', 'a');
    await pod('two', 'n1', 'a', 'b');
    await pod('waiting', undefined, 'a');
  });
  afterAll(async () => {
    process.off('warning', onWarning);
    expect(warnings).not.toContain('MaxListenersExceededWarning');
    await server.stop();
    kubelet.closeAllConnections();
    kubelet.close();
  });

  function call(path: string, headers: Record<string, string> = {}): Promise<{ code: number; text: string }> {
    const { pki, listening } = server;
    const identity = { ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key, agent: false as const };
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest({ host: '127.0.0.1', port: listening?.port, path, headers, ...identity });
      outgoing.once('response', async (incoming) => {
        let text = '';
        for await (const chunk of incoming) text += String(chunk);
        resolve({ code: incoming.statusCode ?? 0, text });
      });
      outgoing.once('upgrade', (incoming, socket) => {
        socket.once('data', (chunk) => {
          socket.end();
          resolve({ code: incoming.statusCode ?? 0, text: String(chunk) });
        });
        socket.write('echo');
      });
      outgoing.once('error', reject);
      outgoing.end();
    });
  }
  const pods = '/api/v1/namespaces/default/pods';
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', authorization: 'Bearer secret' };
  const messageOf = (answer: { text: string }) => String(JSON.parse(answer.text).message);

  it('gives logs', async () => {
    expect(await call(`${pods}/one/log?tailLines=5&follow=true`)).toEqual({ code: 200, text: 'a line of log\n' });
    expect(seen).toContain('GET /containerLogs/default/one/a?tailLines=5&follow=true');
    expect((await call(`${pods}/waiting/log`)).code).toBe(204);
  });

  it('joins the sockets of an exec, and keeps the bearer token to itself', async () => {
    const path = `${pods}/one/exec?command=echo&command=hi&stdout=true&stdin=true`;
    expect(await call(path, upgrade)).toEqual({ code: 101, text: 'echo' });
    expect(seen).toContain('UPGRADE /exec/default/one/a?input=1&output=1&command=echo&command=hi without token');
  });

  it('answers in the words of Kubernetes what cannot be', async () => {
    const two = 'a container name must be specified for pod two, choose one of: [a b]';
    expect(messageOf(await call(`${pods}/two/log`))).toBe(two);
    expect(messageOf(await call(`${pods}/two/exec?command=x`, upgrade))).toBe(two);
    expect(messageOf(await call(`${pods}/one/log?container=z`))).toBe('container z is not valid for pod one');
    expect(messageOf(await call(`${pods}/none/log`))).toBe('pods "none" not found');
    expect(messageOf(await call(`${pods}/waiting/exec?command=x`, upgrade))).toBe(
      'pod waiting does not have a host assigned',
    );
    expect(messageOf(await call(`${pods}/one/log?tailLines=-1`))).toBe(
      'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    );
  });

  it('asks for leave to create when a WebSocket opens with GET', async () => {
    const denied = await call(`${pods}/one/exec?command=x`, { ...upgrade, 'impersonate-user': 'joe' });
    expect(messageOf(denied)).toContain('User "joe" cannot get resource "pods/exec"');
  });

  it('passes on to the kubelet by nodes/proxy', async () => {
    expect((await call('/api/v1/nodes/n1/proxy/pods?x=1')).code).toBe(200);
    expect(seen).toContain('GET /pods?x=1');
  });
});
