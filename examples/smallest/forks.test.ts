import { type TestCluster, testCluster } from '@keelson/apiserver/testing';
import { Deployment } from '@keelson/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import operator, { Website } from './operator.ts';

const ref = { name: 'hello', namespace: 'default' };
let filled: TestCluster;

beforeAll(async () => {
  filled = await testCluster({ plugins: [operator] });
  await filled.client.create(Website, { metadata: ref, spec: { image: 'nginx', replicas: 2 } });
  await filled.eventually(() => filled.client.get(Deployment, ref));
});
afterAll(() => filled.stop());

it('scales', async () => {
  await using cluster = await filled.fork({ plugins: 'same' });
  await cluster.client.patch(Website, ref, { merge: { spec: { replicas: 5 } } });
  await cluster.eventually(async () => {
    expect((await cluster.client.get(Deployment, ref)).spec.replicas).toBe(5);
  });
});

it('corrects what others change, also after a watch was answered 410 Gone', async () => {
  await using cluster = await filled.fork({ plugins: 'same' });
  await cluster.compact();
  await cluster.client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
  await cluster.eventually(async () => {
    expect((await cluster.client.get(Deployment, ref)).spec.replicas).toBe(2);
  });
});
