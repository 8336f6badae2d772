import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { ConfigMap, CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '@keelson/core';
import type { ContainerRuntime } from '@keelson/core/cri';
import { systemClock } from '@keelson/core/machinery';
import { waitFor } from '@keelson/core/testing';
import { bindMounts, createHostPathDriver, hostPathDriverName, VolumeStore } from '@keelson/csi-plugins';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openPki, type Pki } from '../../apiserver/src/pki/index.ts';
import type { Kubelet } from '../src/index.ts';
import { openContainerd, withoutContainerd } from './containerd.ts';
import { type Harness, openHarness, ready } from './kubelet-harness.ts';

const reason = await withoutContainerd();

describe.skipIf(reason !== undefined)(`a kubelet on containerd${reason ? ` (${reason})` : ''}`, () => {
  let harness: Harness;
  let runtime: ContainerRuntime;
  let closeRuntime: () => Promise<void>;
  let kubelet: Kubelet;
  let pki: Pki;

  beforeAll(async () => {
    pki = await openPki(undefined, { clock: systemClock });
    const opened = await openContainerd();
    runtime = opened.runtime;
    closeRuntime = opened.close;
    harness = await openHarness();
    kubelet = await start();
  }, 120_000);
  afterAll(async () => {
    await harness?.close();
    await closeRuntime?.();
  }, 120_000);

  const storage = () => join(harness.dataDir, 'storage');
  async function start() {
    const serving = await pki.issueServing({ commonName: 'system:node:node-1', organizations: ['system:nodes'] }, [
      '127.0.0.1',
    ]);
    const driver = createHostPathDriver({ store: new VolumeStore(storage()), mounts: bindMounts, nodeName: 'node-1' });
    return harness.kubelet(runtime, {
      volumes: 'real',
      csiDrivers: new Map([[hostPathDriverName, driver]]),
      server: {
        address: '127.0.0.1',
        port: 0,
        certificate: { cert: serving.certificate, key: serving.key, ca: pki.ca },
      },
    });
  }

  function get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      request(
        `https://127.0.0.1:${kubelet.port}${path}`,
        { ca: pki.ca, cert: pki.kubeletClient.certificate, key: pki.kubeletClient.key, agent: false },
        (response) => {
          let body = '';
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      )
        .on('error', reject)
        .end();
    });
  }

  it('gives a container its environment, files and limits', async () => {
    const { pod } = harness;
    await harness.client.create(ConfigMap, {
      metadata: { namespace: 'default', name: 'settings' },
      data: { level: 'info', 'app.conf': 'a=1\n' },
    });
    await harness.client.create(Secret, {
      metadata: { namespace: 'default', name: 'token' },
      data: { key: Buffer.from('s3cret').toString('base64') },
    });
    const script = [
      'echo level=$LEVEL key=$KEY name=$NAME ip=$IP cpu=$CPU args=$(JOINED)',
      'cat /etc/settings/app.conf /etc/pod/labels /data/from-init; echo',
      'cat /etc/resolv.conf /etc/hosts',
      'id -u; id -G; hostname',
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes',
      'ls -ld /scratch; echo oops > /dev/termination-log; exit 3',
    ].join('; ');
    await pod(
      {
        name: 'full',
        restartPolicy: 'Never',
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['10.96.0.10'], searches: ['x.y'], options: [{ name: 'ndots', value: '5' }] },
        securityContext: { runAsUser: 1000, fsGroup: 2000 },
        initContainers: [
          {
            name: 'init',
            image: 'busybox:test',
            command: ['sh', '-c', 'echo -n hello > /data/from-init'],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        containers: [
          {
            name: 'main',
            image: 'busybox:test',
            command: ['sh', '-c', script],
            terminationMessagePath: '/dev/termination-log',
            resources: { limits: { memory: '64Mi', cpu: '250m' } },
            env: [
              { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'settings', key: 'level' } } },
              { name: 'KEY', valueFrom: { secretKeyRef: { name: 'token', key: 'key' } } },
              { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
              { name: 'JOINED', value: '$(NAME)-$(LEVEL)' },
            ],
            volumeMounts: [
              { name: 'settings', mountPath: '/etc/settings' },
              { name: 'pod', mountPath: '/etc/pod' },
              { name: 'data', mountPath: '/data', readOnly: true },
              { name: 'scratch', mountPath: '/scratch', subPath: 'a/b' },
            ],
          },
        ],
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'pod', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'data', emptyDir: {} },
          { name: 'scratch', emptyDir: { medium: 'Memory' } },
        ],
      },
      { labels: { app: 'full' } },
    );
    const done = await harness.until('full', (now) => now.status?.phase === 'Failed', 30_000);
    const { status, body } = await get('/containerLogs/default/full/main');
    expect(status, body).toBe(200);
    expect(body).toContain(`level=info key=s3cret name=full ip=${done.status?.podIP} cpu=250 args=full-info`);
    expect(body).toContain('a=1\napp="full"');
    expect(body).toContain('hello');
    expect(body).toMatch(/nameserver 10\.96\.0\.10\n/);
    expect(body).toContain('options ndots:5');
    expect(body).toContain('# Kubernetes-managed hosts file.');
    expect(body).toMatch(/\n1000\n.*2000/);
    expect(body).toContain(String(64 * 1024 * 1024));
    const main = done.status?.containerStatuses?.[0];
    expect(main?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'oops\n' });
    expect(main?.containerID).toMatch(/^containerd:\/\//);
    expect((await get('/containerLogs/default/full/main?tailLines=1')).body).toMatch(/^d.* \/scratch\n$/);
    await harness.client.delete(Pod, { namespace: 'default', name: 'full' });
    await waitFor(() => harness.gone('full'), { timeoutMs: 20_000 });
  });

  it('probes, restarts what is not alive, and follows the log', async () => {
    await harness.pod({
      name: 'web',
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: 'busybox:test',
          command: ['sh', '-c', 'mkdir -p /www; echo fine > /www/health; echo started; httpd -f -p 8080 -h /www'],
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 1 },
          livenessProbe: {
            exec: { command: ['cat', '/www/health'] },
            periodSeconds: 1,
            failureThreshold: 1,
            initialDelaySeconds: 1,
          },
        },
      ],
    });
    await harness.until('web', ready);
    const { containers = [] } = await runtime.runtimeService.listContainers({
      filter: { state: { state: 'CONTAINER_RUNNING' } },
    });
    await runtime.runtimeService.execSync({ containerId: containers[0]?.id, cmd: ['rm', '/www/health'], timeout: 5 });
    const again = await harness.until(
      'web',
      (now) => now.status?.containerStatuses?.[0]?.restartCount === 1 && ready(now),
      30_000,
    );
    expect(again.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
    const events = (await harness.events('web')).join('\n');
    expect(events).toContain(
      "Warning Unhealthy: Liveness probe failed: cat: can't open '/www/health': No such file or directory",
    );
    expect(events).toContain('Normal Killing: Container main failed liveness probe, will be restarted');
    expect((await get('/containerLogs/default/web/main?previous=true&timestamps=true')).body).toMatch(
      /^\d{4}-.*Z started\n$/,
    );
    const summary = JSON.parse((await get('/stats/summary')).body);
    expect(summary.pods[0].containers[0].cpu.usageCoreNanoSeconds).toBeGreaterThan(0);
    expect((await get('/containerLogs/default/web/nope')).status).toBe(404);
  });

  it('executes a command through the runtime, over a WebSocket and over SPDY', async () => {
    await harness.pod({
      name: 'exec',
      containers: [{ name: 'main', image: 'busybox:test', command: ['sleep', '1000'] }],
      terminationGracePeriodSeconds: 1,
    });
    await harness.until('exec', ready);
    const path = '/exec/default/exec/main?command=sh&command=-c&command=echo%20hello%3B%20cat&output=1&error=1&input=1';
    const socket = new WebSocket(`wss://127.0.0.1:${kubelet.port}${path}`, ['v4.channel.k8s.io'], {
      ca: pki.ca,
      cert: pki.kubeletClient.certificate,
      key: pki.kubeletClient.key,
    });
    let out = '';
    socket.on('message', (data: Buffer) => {
      if (data[0] === 1) out += data.subarray(1).toString();
    });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('typed\n')]));
    await waitFor(() => out.includes('hello') && out.includes('typed'));
    socket.close();

    const status = await new Promise<string>((resolve, reject) => {
      request(`https://127.0.0.1:${kubelet.port}${path}`, {
        method: 'POST',
        ca: pki.ca,
        cert: pki.kubeletClient.certificate,
        key: pki.kubeletClient.key,
        agent: false,
        headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' },
      })
        .on('upgrade', (response, upgraded) => {
          upgraded.destroy();
          resolve(`${response.statusCode} ${response.headers.upgrade}`);
        })
        .on('error', reject)
        .end();
    });
    expect(status).toBe('101 SPDY/3.1');
    const stranger = await new Promise<number>((resolve, reject) => {
      request(`https://127.0.0.1:${kubelet.port}/pods`, { ca: pki.ca, agent: false }, (response) =>
        resolve(response.statusCode ?? 0),
      )
        .on('error', reject)
        .end();
    });
    expect(stranger).toBe(401);
    await harness.client.delete(Pod, { namespace: 'default', name: 'exec' });
    await waitFor(() => harness.gone('exec'), { timeoutMs: 20_000 });
  });

  it('follows a log, and lets preStop have its say', async () => {
    await harness.pod({
      name: 'talk',
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          name: 'main',
          image: 'busybox:test',
          command: [
            'sh',
            '-c',
            'i=0; while [ ! -e /stop ]; do echo line $i; i=$((i+1)); sleep 0.1; done; echo stopped; exit 0',
          ],
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'touch /stop; sleep 1'] } } },
        },
      ],
    });
    await harness.until('talk', ready);
    const followed = get('/containerLogs/default/talk/main?follow=true');
    await waitFor(async () => (await get('/containerLogs/default/talk/main?limitBytes=7')).body === 'line 0\n');
    await harness.client.delete(Pod, { namespace: 'default', name: 'talk' });
    expect((await followed).body).toMatch(/^line 0\n[\s\S]*stopped\n$/);
    await waitFor(() => harness.gone('talk'), { timeoutMs: 20_000 });
  });

  it('mounts a claimed volume while its pod lives, and keeps what was written', async () => {
    const { client } = harness;
    const controller = createHostPathDriver({
      store: new VolumeStore(storage()),
      mounts: bindMounts,
      nodeName: '',
    }).controller;
    const { volume } = await controller.createVolume({
      name: 'pv-1',
      capacityRange: { requiredBytes: 1_000_000 },
      volumeCapabilities: [{ mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } }],
    });
    await client.create(CSIDriver, { metadata: { name: hostPathDriverName }, spec: { attachRequired: false } });
    const capacity = { storage: '1M' };
    await client.create(PersistentVolume, {
      metadata: { name: 'pv-1' },
      spec: {
        capacity,
        accessModes: ['ReadWriteOnce'],
        csi: { driver: hostPathDriverName, volumeHandle: volume?.volumeId ?? '' },
        claimRef: { namespace: 'default', name: 'claim' },
      },
    });
    const claim = await client.create(PersistentVolumeClaim, {
      metadata: { namespace: 'default', name: 'claim' },
      spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv-1', resources: { requests: capacity } },
    });
    const mounting = {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image: 'busybox:test',
          command: ['sh', '-c', 'echo kept >> /vol/file; cat /vol/file'],
          volumeMounts: [{ name: 'v', mountPath: '/vol' }],
        },
      ],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }],
    };
    await harness.pod({ name: 'writer', ...mounting });
    await waitFor(async () =>
      (await harness.events('writer')).some((each) => each.includes('FailedMount') && each.includes('is not bound')),
    );
    await client.updateStatus(PersistentVolumeClaim, {
      ...claim,
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity },
    });
    await harness.until('writer', (now) => now.status?.phase === 'Succeeded', 30_000);
    await client.delete(Pod, { namespace: 'default', name: 'writer' });
    await waitFor(() => harness.gone('writer'), { timeoutMs: 20_000 });
    // A pod that has ended leaves the API at once; its mounts follow.
    await waitFor(async () => !(await readFile('/proc/mounts', 'utf8')).includes(harness.dataDir));
    await waitFor(async () => (await readdir(join(harness.dataDir, 'node-1', 'pods'))).length === 1, {
      what: 'only the pod `web`',
    });
    await harness.pod({ name: 'reader', ...mounting });
    await harness.until('reader', (now) => now.status?.phase === 'Succeeded', 30_000);
    expect((await get('/containerLogs/default/reader/main')).body).toBe('kept\nkept\n');
    await client.delete(Pod, { namespace: 'default', name: 'reader' });
    await waitFor(() => harness.gone('reader'), { timeoutMs: 20_000 });
  });

  it('takes over running containers when it starts anew', async () => {
    const before = await harness.get('web');
    await kubelet.stop();
    kubelet = await start();
    await harness.pod({
      name: 'other',
      containers: [{ name: 'main', image: 'busybox:test', command: ['sleep', '1000'] }],
      terminationGracePeriodSeconds: 1,
    });
    await harness.until('other', ready);
    const after = await harness.until('web', (now) => ready(now));
    expect(after.status?.containerStatuses?.[0]?.containerID).toBe(before.status?.containerStatuses?.[0]?.containerID);
    for (const name of ['web', 'other']) await harness.client.delete(Pod, { namespace: 'default', name });
    await waitFor(async () => (await harness.gone('web')) && (await harness.gone('other')), { timeoutMs: 20_000 });
    await waitFor(async () => ((await runtime.runtimeService.listPodSandbox({})).items ?? []).length === 0);
    expect(systemClock.now()).toBeGreaterThan(0);
  });
});
