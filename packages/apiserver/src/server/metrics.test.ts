import { ConfigMap, Service, ServiceAccount } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from './index.ts';

let server: TestApiServer;
beforeEach(async () => {
  server = await startTestApiServer({ socket: true });
});
afterEach(() => server.stop());

const value = async (line: string) => {
  const text = await server.server.metrics.text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
};

it('counts what the store is asked, by kind, wherever its keys lie', async () => {
  const labels = (operation: string, resource: string) => `{group="",operation="${operation}",resource="${resource}"}`;
  const before = (await value(`etcd_requests_total${labels('create', 'services')}`)) ?? 0;
  await server.client.create(Service, {
    metadata: { name: 's', namespace: 'default' },
    spec: { ports: [{ port: 80 }], selector: { a: 'b' } },
  });
  await server.client.create(ConfigMap, { metadata: { name: 'c', namespace: 'default' } });
  await server.client.delete(ConfigMap, { name: 'c', namespace: 'default' });
  expect(await value(`etcd_requests_total${labels('create', 'services')}`)).toBe(before + 1);
  expect(await value(`etcd_request_duration_seconds_count${labels('delete', 'configmaps')}`)).toBe(1);
  await waitFor(
    async () => ((await value('apiserver_watch_cache_events_received_total{group="",resource="services"}')) ?? 0) > 0,
  );
});

it('counts who came in and who did not', async () => {
  const ask = (headers: Record<string, string>) =>
    fetchFrom(`${server.listening?.url ?? ''}/api/v1/namespaces`, headers);
  await ask({ authorization: 'Bearer nobody' });
  // Without credentials only probes are answered.
  await ask({});
  const { token } = await server.tokens.issue({ namespace: 'default', name: 'default', uid: await accountUid() });
  await ask({ authorization: `Bearer ${token}` });
  await ask({ authorization: `Bearer ${token}` });
  expect(await value('authentication_attempts{result="error"}')).toBe(1);
  expect(await value('authentication_attempts{result="failure"}')).toBe(1);
  expect(await value('authentication_attempts{result="success"}')).toBe(2);
  expect(await value('authentication_token_cache_request_total{status="miss"}')).toBe(2);
  expect(await value('authentication_token_cache_request_total{status="hit"}')).toBe(1);
  expect(await value('authentication_token_cache_active_fetch_count{status="in_flight"}')).toBe(0);
  expect(await value('authentication_token_cache_fetch_total{status="ok"}')).toBe(2);
  expect(await value('serviceaccount_valid_tokens_total')).toBe(2);
  expect(await value('authentication_duration_seconds_count{result="success"}')).toBe(2);
  expect(await value('authentication_duration_seconds_count{result="error"}')).toBe(1);
  expect(await value('authenticated_user_requests{username="other"}')).toBe(2);
  expect(await value('authorization_attempts_total{result="no-opinion"}')).toBe(2);
});

async function accountUid(): Promise<string> {
  const account = await server.client.create(ServiceAccount, { metadata: { name: 'default', namespace: 'default' } });
  return account.metadata.uid ?? '';
}

async function fetchFrom(url: string, headers: Record<string, string>): Promise<void> {
  const { request } = await import('node:https');
  await new Promise<void>((resolve, reject) => {
    const asked = request(url, { headers, ca: server.pki?.ca }, (answer) => answer.resume().once('end', resolve));
    asked.once('error', reject);
    asked.end();
  });
}
