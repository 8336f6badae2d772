import { get } from 'node:http';
import { join } from 'node:path';
import { type Client, Deployment, isStatusError, Pod } from '@keelson/core';
import { buildNodeImage } from '@keelson/cri-runtimes';
import type { Cluster, Progress } from 'keelson';
import { Website } from './operator.ts';

/** Made from the Node that runs this, so that nothing has to be downloaded. */
export const image = `keelson.dev/node:${process.versions.node}`;
const name = 'hello';
const page = '<h1>Hello from Keelson</h1>';

/** Puts the image where the runtime finds images. */
export async function buildShowcaseImage(imagesDir: string): Promise<void> {
  await buildNodeImage({ reference: image, file: join(imagesDir, 'keelson-node.tar') });
}

/** Applies the `Website`, waits until its pods serve, and fetches its page through the Service. */
export async function runWebsite(
  cluster: Cluster,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ page: string; url: string }> {
  const { client } = cluster;
  const ref = { name, namespace: 'default' };
  await until(signal, async () => {
    try {
      await client.create(Website, { metadata: ref, spec: { page, image, replicas: 2 } });
      progress.done(`Website "${name}" applied; its operator makes a Deployment and a Service of it`);
    } catch (error) {
      // Started again on the same data: it is there already. A kind that is not served yet is asked for once more.
      if (isStatusError(error, 'NotFound')) return false;
      if (!isStatusError(error, 'AlreadyExists')) throw error;
      await client.patch(Website, ref, { merge: { spec: { page, image } } });
      progress.done(`Website "${name}" found from the last time`);
    }
    return true;
  });
  let seen = '';
  await until(signal, async () => {
    const pods = await client.list(Pod, { namespace: 'default', labelSelector: `website=${name}`, signal });
    const states = pods.items.map((pod) => `${pod.metadata.name} ${stateOf(pod)}`).sort();
    if (states.join() !== seen) for (const each of states) if (!seen.includes(each)) progress.step(`pod ${each}`);
    seen = states.join();
    const deployment = await client.get(Deployment, ref, { signal }).catch((error: unknown) => {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    });
    return (deployment?.status?.readyReplicas ?? 0) >= (deployment?.spec.replicas ?? 2);
  });
  const url = await nodePortUrl(client, cluster.nodeAddress, signal);
  let body = '';
  await until(signal, async () => {
    body = await fetchPage(url, signal);
    return body === page;
  });
  progress.done(`its page, through the Service: ${url}`);
  return { page: body, url };
}

function stateOf(pod: Pod): string {
  const status = pod.status?.containerStatuses?.[0];
  if (status?.ready) return `is ready on ${pod.spec.nodeName} with ${pod.status?.podIP}`;
  const waiting = status?.state?.waiting;
  if (waiting) return `waits: ${waiting.reason ?? ''} ${waiting.message ?? ''}`.trimEnd();
  return `is ${pod.status?.phase ?? 'Pending'}`;
}

async function nodePortUrl(client: Client, address: string, signal: AbortSignal): Promise<string> {
  let port = 0;
  await until(signal, async () => {
    port = (await client.get(Website, { name, namespace: 'default' }, { signal })).status?.nodePort ?? 0;
    return port !== 0;
  });
  return `http://${address}:${port}/`;
}

function fetchPage(url: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', (error: NodeJS.ErrnoException) => (signal.aborted ? reject(error) : resolve('')));
  });
}

/** Asks every 100 ms. Rejects after two minutes, or when aborted. */
async function until(signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await holds())) {
    signal.throwIfAborted();
    if (performance.now() > deadline)
      throw new Error(
        'the web site was not ready within two minutes; `kubectl describe pods` and the log (--log-level info) tell why',
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
