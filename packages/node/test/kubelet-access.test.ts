import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, openPki } from '@keelson/apiserver';
import { Node } from '@keelson/core';
import { dueForRenewal } from '@keelson/core/certificates';
import type { NetworkPlugin } from '@keelson/core/cni';
import { createEventRecorder } from '@keelson/core/controller';
import { systemClock } from '@keelson/core/machinery';
import { waitFor } from '@keelson/core/testing';
import { openSimulatedRuntime, simulatedOptionsSchema } from '@keelson/cri-runtimes';
import { expect, it } from 'vitest';
import { Nodes, nodeOptionsSchema } from '../src/index.ts';
import { openHarness, seeded, testLogger } from './kubelet-harness.ts';

const none: NetworkPlugin = {
  ownNamespace: false,
  add: async () => ({ cniVersion: '1.1.0' }),
  del: async () => undefined,
  check: async () => undefined,
  status: async () => undefined,
  gc: async () => undefined,
  configList: () => undefined,
  close: async () => undefined,
};

it('lets in the API server alone, of all whose certificates the cluster has signed', async () => {
  const pki = await openPki(undefined, { clock: systemClock });
  const harness = await openHarness();
  const { client, informers } = harness;
  const dataDir = await mkdtemp(join(tmpdir(), 'nodes-'));
  const nodes = new Nodes({
    options: nodeOptionsSchema.parse({ nodes: 1, dataDir, port: 0 }),
    clients: { as: () => client },
    informers,
    runtime: {
      name: 'simulated',
      probe: async () => ({ usable: true, reason: '' }),
      open: async (node) =>
        openSimulatedRuntime(systemClock, seeded(1), simulatedOptionsSchema.parse({ logs: false }), node),
    },
    network: { name: 'none', probe: async () => ({ usable: true, reason: '' }), open: async () => none },
    drivers: [],
    certificates: {
      async issue(name, hosts) {
        const subject = { commonName: `system:node:${name}`, organizations: ['system:nodes'] };
        const { certificate: cert, key } = await pki.issueServing(subject, hosts);
        return { cert, key, ca: pki.ca };
      },
    },
    recorder: createEventRecorder({
      client,
      clock: systemClock,
      random: seeded(),
      logger: testLogger,
      component: 'kubelet',
    }),
    clock: systemClock,
    random: seeded(),
    logger: testLogger,
  });
  await nodes.start(new AbortController().signal);
  try {
    const port = await waitFor(
      async () => (await client.list(Node)).items[0]?.status?.daemonEndpoints?.kubeletEndpoint?.Port,
    );
    const ask = (identity?: KeyPair) =>
      new Promise<number | undefined>((resolve, reject) => {
        const tls = identity ? { cert: identity.certificate, key: identity.key } : {};
        const asked = request(
          { host: '127.0.0.1', port, path: '/pods', ca: pki.ca, agent: false, ...tls },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        );
        asked.once('error', reject);
        asked.end();
      });
    const foreign = (await openPki(undefined, { clock: systemClock })).kubeletClient;
    expect(await ask(pki.kubeletClient)).toBe(200);
    expect(await ask()).toBe(401);
    expect(await ask(foreign)).toBe(401);
    expect(await ask(await pki.issueClient({ commonName: 'joe' }))).toBe(403);
    expect(await ask(await pki.issueClient({ commonName: 'kube-apiserver-kubelet-client' }))).toBe(403);
    const other = { commonName: 'system:node:other', organizations: ['system:nodes'] };
    expect(await ask(await pki.issueServing(other, ['other']))).toBe(403);
  } finally {
    await nodes.stop();
    await harness.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});

it('renews a certificate when a third of its life is left', async () => {
  const day = 24 * 60 * 60_000;
  const { certificate } = (await openPki(undefined, { clock: systemClock })).server;
  const now = systemClock.now();
  expect(dueForRenewal(certificate, now)).toBe(false);
  expect(dueForRenewal(certificate, now + 240 * day)).toBe(false);
  expect(dueForRenewal(certificate, now + 245 * day)).toBe(true);
  expect(dueForRenewal(certificate, now + 400 * day)).toBe(true);
});
