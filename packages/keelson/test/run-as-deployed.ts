import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Client,
  type Deployment,
  EndpointSlice,
  type KubernetesObject,
  MutatingWebhookConfiguration,
  type ObjectRef,
  type Operator,
  type ResourceType,
  runOperator,
  Secret,
  ServiceAccount,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import { runFlags, runSettings } from '@keelson/core/host';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { machineAddress } from '../src/machine-address.ts';
import { type OperatorManifests, operatorManifests, plainYaml } from '../src/manifests/index.ts';
import { configurations } from './webhook-operator.ts';

export const readDocuments = (text: string) => parseAllDocuments(text).map((each): KubernetesObject => each.toJS());

/** Applies an object of any kind, as `kubectl apply --server-side` does. */
export async function applyObject(client: Client, object: KubernetesObject): Promise<KubernetesObject> {
  const [group, version] = object.apiVersion?.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const kind = object.kind ?? '';
  const plural = kind === 'NetworkPolicy' ? 'networkpolicies' : `${kind.toLowerCase()}s`;
  const namespaced = object.metadata.namespace !== undefined;
  const type: ResourceType = { group: group ?? '', version: version ?? '', kind, plural, namespaced };
  return client.patch(type, object.metadata, { apply: object, fieldManager: 'test', force: true });
}

/** Of the Deployment's container, as its kubelet expands them. */
export function argumentsIn({ workload }: OperatorManifests, namespace: string): readonly string[] {
  const deployment: Deployment = JSON.parse(JSON.stringify(workload[0]));
  const { args = [] } = deployment.spec.template.spec?.containers[0] ?? {};
  return args.map((each) => each.replace('$(POD_NAMESPACE)', namespace));
}

/** A cluster that an administrator has, and a folder for files. */
export interface Place {
  readonly client: Client;
  /** The administrator's, as YAML. */
  readonly kubeconfig: string;
  readonly dir: string;
}

/** A kubeconfig of the ServiceAccount that manifests make for an operator; where it lies. */
export async function accountOf({ client, kubeconfig, dir }: Place, name: string): Promise<string> {
  const ref = { name, namespace: `${name}-system` };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
  const answer = await client.createSubresource(ServiceAccount, ref, 'token', request);
  const token = /"token":"([^"]+)"/.exec(JSON.stringify(answer))?.[1] ?? '';
  const config = parse(kubeconfig);
  config.users[0].user = { token };
  config.contexts[0].context.namespace = ref.namespace;
  const path = join(dir, `${name}.kubeconfig`);
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Writes a Secret into files, as its volume has it, once it is there; says where. */
async function mount({ client, dir }: Place, ref: ObjectRef): Promise<string> {
  const { data = {} } = await waitFor(() => client.get(Secret, ref), { what: 'the certificate', timeoutMs: 60_000 });
  const path = join(dir, ref.name);
  await mkdir(path);
  for (const [name, text] of Object.entries(data)) {
    await writeFile(join(path, name), Buffer.from(text, 'base64'), { mode: 0o600 });
  }
  return path;
}

/**
 * Applies an operator's manifests and runs it as the Deployment starts it, with what its Service leads to: as its
 * ServiceAccount, with the rights of that. Its webhooks are gone when it has ended.
 */
export async function runAsDeployed(
  own: Operator,
  place: Place,
  use: () => Promise<void>,
  { ca = 'operator' }: { readonly ca?: 'operator' | 'cert-manager' } = {},
): Promise<void> {
  const { client } = place;
  const { name } = own;
  const namespace = `${name}-system`;
  // It runs here: of its Deployment no pod is wanted.
  const manifests = operatorManifests([own], { ca, replicas: 0 });
  const documents = readDocuments(plainYaml(manifests));
  const applied = new Set(documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  for (const each of documents) await applyObject(client, each);
  const port = await freePort();
  await client.create(EndpointSlice, {
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': `${name}-webhook` } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [machineAddress() ?? ''], conditions: { ready: true } }],
    ports: [{ name: 'webhooks', port }],
  });
  const args = argumentsIn(manifests, namespace).filter((each) => !each.includes('-bind-address='));
  const { webhooks, ...settings } = runSettings(parseArgs({ args: [...args], options: runFlags }).values);
  const service = { namespace, name: `${name}-webhook` };
  const mounted = ca === 'cert-manager' && {
    certificateDirectory: await mount(place, { namespace, name: `${name}-webhook-certificate` }),
  };
  expect(webhooks).toEqual({
    service,
    ...(mounted
      ? { installedBy: 'cert-manager', certificateDirectory: '/certificates' }
      : { installedBy: 'manifests' }),
  });
  const stop = new AbortController();
  const running = runOperator(own, {
    ...settings,
    kubeconfig: await accountOf(place, name),
    signal: stop.signal,
    logger: silentLogger,
    webhooks: { ...webhooks, ...mounted, port },
  });
  try {
    await Promise.race([running, use()]);
    const installed = await configurations(client);
    stop.abort();
    await running;
    // What others installed is not the operator's to take away.
    expect(await configurations(client)).toEqual(installed);
  } finally {
    stop.abort();
    await running.catch(() => undefined);
    // Whoever installed them: nobody answers them any more, and what they are about would be refused to all others.
    for (const type of [ValidatingWebhookConfiguration, MutatingWebhookConfiguration]) {
      for (const { metadata } of (await client.list(type)).items) {
        if (applied.has(`${type.kind} ${metadata.name}`)) await client.delete(type, metadata);
      }
    }
  }
}
