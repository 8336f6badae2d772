import { mkdir, mkdtemp } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Deployment, Event, Pod, Service } from '@keelson/core';
import { buildBusyboxImage, type ImageFile } from '@keelson/cri-runtimes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, eventually, haveContainerd, haveKubectl } from './cluster-process.ts';

interface List<T> {
  readonly items: readonly T[];
}

const manifest = (name: string) => fileURLToPath(new URL(`./manifests/${name}`, import.meta.url));

/** A web server that serves on for a while after it was asked to stop, as one that drains its connections does. */
const webFiles = (version: string): ImageFile[] => [
  {
    path: 'usr/bin/yarn',
    mode: 0o755,
    content: '#!/bin/sh\nhttpd -f -p 3000 -h /www &\ntrap "sleep 2; kill $!; exit 0" TERM\nwait $!\n',
  },
  { path: 'www/index.html', content: version },
  { path: 'www/health', content: 'ok' },
];

const sleeper: ImageFile[] = [
  {
    path: 'start',
    mode: 0o755,
    content: '#!/bin/sh\ntrap "exit 0" TERM\nwhile true; do echo alive; sleep 1 & wait $!; done\n',
  },
];

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}

describe.skipIf((!haveKubectl || !haveContainerd) && !ci)('applications on containerd', () => {
  let cluster: ClusterProcess;
  const kubectl = (args: string) => cluster.kubectl(args);

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const images = join(dir, 'data', 'images');
    await mkdir(images, { recursive: true });
    const build = (reference: string, files: readonly ImageFile[], cmd?: readonly string[]) =>
      buildBusyboxImage({
        reference,
        file: join(images, `${reference.replaceAll(/[/:]/g, '-')}.tar`),
        files,
        ...(cmd && { config: { cmd } }),
      });
    for (const name of ['hubot-hey-cookie', 'nginx', 'redis:3.2-alpine']) await build(name, sleeper, ['/start']);
    await build('harbor.xxx.com/fintech/web/default', webFiles('one'));
    await build('harbor.xxx.com/fintech/web/default:two', webFiles('two'));
    cluster = await ClusterProcess.start({ dir, args: ['--runtime', 'remote'] });
  }, 120_000);
  afterAll(() => cluster?.remove(), 60_000);

  it('01: runs a pod with requests, limits and a value from a Secret', async () => {
    await kubectl(`apply -f ${manifest('01-pod-resources.yaml')}`);
    await kubectl('wait --for=condition=Ready pod/hubot-hey-cookie --timeout=60s');
    expect(await kubectl('exec hubot-hey-cookie -- env')).toContain('HUBOT_SLACK_TOKEN=not-a-real-token\n');
    const pod = await cluster.json<Pod>('get pod hubot-hey-cookie');
    expect(pod.spec.containers[0]?.resources).toEqual({
      limits: { cpu: '2', memory: '2Gi' },
      requests: { cpu: '1', memory: '1Gi' },
    });
    expect(pod.status?.qosClass).toBe('Burstable');
    expect(await kubectl('logs hubot-hey-cookie --tail=1')).toBe('alive\n');
    const following = await cluster.tryKubectl('logs -f hubot-hey-cookie --tail=1 --request-timeout=3s');
    expect(following.stdout.split('\n').length).toBeGreaterThan(2);
    expect(await cluster.kubectl(['exec', '-i', 'hubot-hey-cookie', '--', 'cat'], 'through and back')).toBe(
      'through and back',
    );
    await kubectl('delete pod hubot-hey-cookie --wait=true');
  });

  it('02: waits for a node with the label, says why, and goes there once there is one', async () => {
    await kubectl(`apply -f ${manifest('02-pod-node-affinity.yaml')}`);
    const reason = await eventually(
      async () =>
        (await cluster.json<Pod>('get pod nginx')).status?.conditions?.find((each) => each.type === 'PodScheduled'),
      (condition) => condition?.status === 'False',
      'the pod is unschedulable',
    );
    expect(reason?.message).toMatch(
      /^0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\./,
    );
    const events = await cluster.json<List<Event>>(
      'get events --field-selector involvedObject.name=nginx,reason=FailedScheduling',
    );
    expect(events.items.length).toBeGreaterThan(0);
    await kubectl('label node --all disktype=ssd');
    await kubectl('wait --for=condition=Ready pod/nginx --timeout=60s');
    await kubectl('delete pod nginx');
  });

  it('03: gives each node one replica only', async () => {
    await kubectl(`apply -f ${manifest('03-deployment-anti-affinity.yaml')}`);
    await eventually(
      () => cluster.json<List<Pod>>('get pods -l app=store'),
      ({ items }) =>
        items.filter((each) => each.status?.phase === 'Running').length === 1 &&
        items.filter((each) => each.status?.conditions?.some((condition) => condition.reason === 'Unschedulable'))
          .length === 2,
      'one runs, two wait',
    );
    await kubectl('delete deployment redis-cache');
  });

  it('07: lets the ServiceAccount read what its Role says, and nothing else', async () => {
    await kubectl(`apply -f ${manifest('07-rbac-viewer.yaml')}`);
    const can = async (what: string) =>
      (await cluster.tryKubectl(`auth can-i ${what} --as=system:serviceaccount:prod:web-sa`)).stdout.trim();
    expect(await can('list deployments.apps -n prod')).toBe('yes');
    expect(await can('delete pods -n prod')).toBe('no');
    expect(await can('list pods -n default')).toBe('no');
  });

  describe('04: a web application', () => {
    let url: string;
    const pods = async () =>
      (await cluster.json<List<Pod>>('get pods -l app.kubernetes.io/name=fintech-prod')).items.filter(
        (each) => each.metadata.deletionTimestamp === undefined,
      );

    beforeAll(async () => {
      await kubectl(`apply -f ${manifest('04-web-application.yaml')}`);
      await kubectl('rollout status deployment/fintech-prod --timeout=90s');
      const service = await cluster.json<Service>('get service fintech-prod');
      url = `http://${service.spec.clusterIP}:3000/`;
    }, 120_000);

    it('answers on its cluster IP from the host and from another pod', async () => {
      expect(
        await eventually(
          () => fetchText(url),
          () => true,
          'an answer',
        ),
      ).toBe('one');
      const [first] = await pods();
      expect(await kubectl(`exec ${first?.metadata.name} -- wget -q -O - ${url}`)).toBe('one');
      expect(await kubectl(`exec ${first?.metadata.name} -- env`)).toContain('LOG_LEVEL=info\n');
      expect(await kubectl('get ingress fintech-prod -o jsonpath={.spec.ingressClassName}')).toBe('contour-private');
    });

    it('survives the deletion of a pod and the killing of its process', async () => {
      const [first, second] = await pods();
      await kubectl(`delete pod ${first?.metadata.name} --wait=false`);
      await eventually(
        pods,
        (items) =>
          items.length === 3 &&
          items.every(
            (each) => each.metadata.name !== first?.metadata.name && each.status?.containerStatuses?.[0]?.ready,
          ),
        'three ready pods',
        60_000,
      );
      await cluster.tryKubectl(['exec', second?.metadata.name ?? '', '--', 'sh', '-c', 'kill -9 $(pidof httpd)']);
      await eventually(
        pods,
        (items) =>
          items.some((each) => (each.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0) &&
          items.every((each) => each.status?.containerStatuses?.[0]?.ready),
        'restarted and ready',
        60_000,
      );
      expect(await fetchText(url)).toBe('one');
    });

    it('rolls to a new image without a failed request, and back', async () => {
      let asked = 0;
      const failures: string[] = [];
      let going = true;
      const client = (async () => {
        while (going) {
          asked++;
          await fetchText(url).catch((error: Error) => failures.push(error.message));
        }
      })();
      await kubectl('set image deployment/fintech-prod default=harbor.xxx.com/fintech/web/default:two');
      await kubectl('rollout status deployment/fintech-prod --timeout=120s');
      await eventually(
        () => fetchText(url),
        (text) => text === 'two',
        'the new page',
      );
      await kubectl('rollout undo deployment/fintech-prod');
      await kubectl('rollout status deployment/fintech-prod --timeout=120s');
      await eventually(
        pods,
        (items) =>
          items.length === 3 &&
          items.every((each) => each.spec.containers[0]?.image === 'harbor.xxx.com/fintech/web/default'),
        'all old again',
        60_000,
      );
      going = false;
      await client;
      expect(failures).toEqual([]);
      expect(asked).toBeGreaterThan(100);
      expect(
        (await cluster.json<Deployment>('get deployment fintech-prod')).metadata.annotations?.[
          'deployment.kubernetes.io/revision'
        ],
      ).toBe('3');
    }, 240_000);

    it('keeps running while the cluster is killed and started again', async () => {
      const before = await pods();
      const ids = (items: readonly Pod[]) =>
        items.map((each) => each.status?.containerStatuses?.[0]?.containerID).sort();
      const address = before[0]?.status?.podIP;
      await cluster.kill();
      expect(await fetchText(`http://${address}:3000/`)).toBe('one');
      await cluster.restart();
      const after = await eventually(
        pods,
        (items) => items.length === 3 && items.every((each) => each.status?.containerStatuses?.[0]?.ready),
        'ready again',
        60_000,
      );
      expect(ids(after)).toEqual(ids(before));
      expect(await fetchText(url)).toBe('one');
    }, 120_000);
  });
});
