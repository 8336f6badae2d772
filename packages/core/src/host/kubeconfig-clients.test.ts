import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ConfigMap } from '../api/index.ts';
import { FakeClock } from '../testing/index.ts';
import { KubeconfigClients, serviceAccountOf } from './kubeconfig-clients.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const each of cleanups.splice(0).toReversed()) each();
});

interface Seen {
  readonly line: string;
  readonly authorization: string | undefined;
  readonly agent: string | undefined;
}

/** An API server that knows one account after it was made, and issues tokens `token-1`, `token-2` … of an hour. */
async function apiServer({ accountIsThere = false } = {}) {
  const seen: Seen[] = [];
  let known = accountIsThere;
  let tokens = 0;
  let refused: string | undefined;
  const answer = (response: ServerResponse, code: number, body: object) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const status = (code: number, reason: string) => ({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
  });
  const server = createServer((request: IncomingMessage, response) => {
    const { authorization, 'user-agent': agent } = request.headers;
    seen.push({ line: `${request.method} ${request.url}`, authorization, agent });
    request.resume().once('end', () => {
      if (authorization === refused) return answer(response, 401, status(401, 'Unauthorized'));
      if (request.url?.endsWith('/token')) {
        if (!known) return answer(response, 404, status(404, 'NotFound'));
        tokens += 1;
        return answer(response, 201, { spec: { expirationSeconds: 3_600 }, status: { token: `token-${tokens}` } });
      }
      if (request.method === 'POST') {
        known = true;
        return answer(response, 201, { metadata: { name: 'deployment-controller' } });
      }
      answer(response, 200, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'b' } });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    config: { server: `http://127.0.0.1:${port}`, token: 'home' },
    refuse: (token: string) => {
      refused = `Bearer ${token}`;
    },
  };
}

const account = 'system:serviceaccount:kube-system:deployment-controller';
const program = (user: string) => (user === 'system:kube-scheduler' ? 'kube-scheduler' : 'kube-controller-manager');

function clientsOf(config: { server: string; token: string }, options: { serviceAccounts?: boolean } = {}) {
  const clock = new FakeClock();
  const clients = new KubeconfigClients(config, { program, transport: { clock }, ...options });
  cleanups.push(() => clients.close());
  return { clients, clock };
}

it("lets everybody be the kubeconfig's user, over one connection for each program", async () => {
  const { config, seen } = await apiServer();
  const { clients } = clientsOf(config);
  expect(clients.as({ name: account })).toBe(clients.as({ name: 'system:kube-controller-manager' }));
  expect(clients.as({ name: account })).not.toBe(clients.as({ name: 'system:kube-scheduler' }));
  await clients.as({ name: 'system:kube-scheduler' }).get(ConfigMap, { namespace: 'b', name: 'a' });
  expect(seen).toEqual([
    { line: 'GET /api/v1/namespaces/b/configmaps/a', authorization: 'Bearer home', agent: 'kube-scheduler' },
  ]);
});

it('lets a ServiceAccount be itself, makes it where it is missing, and renews its token before it ends', async () => {
  const { config, seen, refuse } = await apiServer();
  const { clients, clock } = clientsOf(config, { serviceAccounts: true });
  const client = clients.as({ name: account });
  const read = () => client.get(ConfigMap, { namespace: 'b', name: 'a' });
  await Promise.all([read(), read()]);
  const accounts = '/api/v1/namespaces/kube-system/serviceaccounts';
  expect(seen.slice(0, 3).map(({ line, authorization }) => `${line} ${authorization}`)).toEqual([
    `POST ${accounts}/deployment-controller/token Bearer home`,
    `POST ${accounts} Bearer home`,
    `POST ${accounts}/deployment-controller/token Bearer home`,
  ]);
  expect(seen.slice(3).map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-1']);

  await clock.advance(45 * 60_000);
  await read();
  expect(seen.at(-1)?.authorization).toBe('Bearer token-1');
  await clock.advance(5 * 60_000);
  await read();
  expect(seen.at(-1)?.authorization).toBe('Bearer token-2');
  refuse('token-2');
  await read();
  expect(seen.at(-1)?.authorization).toBe('Bearer token-3');
});

it('knows the ServiceAccount behind the name of a user', () => {
  expect(serviceAccountOf(account)).toEqual({ namespace: 'kube-system', name: 'deployment-controller' });
  for (const each of ['system:kube-scheduler', 'system:serviceaccount:a', 'system:serviceaccount:a:b:c', ''])
    expect(serviceAccountOf(each)).toBeUndefined();
});
