import type { Container, Pod, Service } from '@keelson/core/api';
import { StatusError } from '@keelson/core/machinery';
import { describe, expect, it } from 'vitest';
import { containerEnvironment, type ReferencedObjects } from './container-environment.ts';
import { formatMap, podFieldValue } from './field-path.ts';
import { serviceEnvironment } from './service-environment.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const objects: ReferencedObjects = {
  async secret(_namespace, name) {
    if (name === 'empty') return { metadata: { name } };
    if (name !== 'known') throw StatusError.notFound({ group: '', resource: 'secrets' }, name);
    return { metadata: { name }, data: { key: base64('s3cret'), 'with.dot': base64('x') } };
  },
  async configMap(_namespace, name) {
    if (name !== 'known') throw StatusError.notFound({ group: '', resource: 'configmaps' }, name);
    return { metadata: { name }, data: { level: 'info', A: 'from map' } };
  },
};
const pod: Pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { b: '2', a: 'say "hi"\n' }, annotations: { 'k/x': 'v' } },
  spec: { nodeName: 'n', serviceAccountName: 'sa', containers: [] },
};
const addresses = { podIps: ['10.0.0.7', 'fd00::7'], hostIps: ['192.168.0.1'] };
const of = async (container: Partial<Container>) =>
  Object.fromEntries(
    await containerEnvironment(
      {
        pod,
        container: { name: 'c', ...container },
        addresses,
        allocatable: {},
        serviceVariables: new Map([
          ['SVC_HOST', '1.1.1.1'],
          ['A', 'service'],
        ]),
        objects,
      },
      new AbortController().signal,
    ),
  );

describe('the environment of a container', () => {
  it('comes from values, expanded in order', async () => {
    const env = [
      { name: 'X', value: '1' },
      { name: 'Y', value: '$(X)-$(SVC_HOST)-$(Z)' },
      { name: 'Z', value: '$$(X)' },
    ];
    expect(await of({ env })).toEqual({ X: '1', Y: '1-1.1.1.1-$(Z)', Z: '$(X)', SVC_HOST: '1.1.1.1', A: 'service' });
  });
  it('comes from whole objects with a prefix; what is named wins', async () => {
    const envFrom = [
      { configMapRef: { name: 'known' } },
      { prefix: 'S_', secretRef: { name: 'known' } },
      { secretRef: { name: 'empty' } },
      { configMapRef: { name: 'gone', optional: true } },
    ];
    expect(await of({ envFrom, env: [{ name: 'level', value: 'debug' }] })).toMatchObject({
      level: 'debug',
      A: 'from map',
      S_key: 's3cret',
      'S_with.dot': 'x',
    });
  });
  it.each([
    [{ secretKeyRef: { name: 'known', key: 'nope' } }, "couldn't find key nope in Secret ns/known"],
    [{ configMapKeyRef: { name: 'known', key: 'nope' } }, "couldn't find key nope in ConfigMap ns/known"],
    [{ secretKeyRef: { name: 'gone', key: 'k' } }, 'secret "gone" not found'],
    [{ configMapKeyRef: { name: 'gone', key: 'k' } }, 'configmap "gone" not found'],
  ])('says what is missing: %j', async (valueFrom, message) => {
    await expect(of({ env: [{ name: 'X', valueFrom }] })).rejects.toThrow(message);
  });
  it('skips what is optional', async () => {
    const env = [
      { name: 'X', valueFrom: { secretKeyRef: { name: 'gone', key: 'k', optional: true } } },
      { name: 'Y', valueFrom: { configMapKeyRef: { name: 'known', key: 'nope', optional: true } } },
    ];
    expect(await of({ env })).toEqual({ SVC_HOST: '1.1.1.1', A: 'service' });
  });
});

describe('fields of a pod', () => {
  it.each([
    ['metadata.name', 'p'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u'],
    ["metadata.labels['b']", '2'],
    ["metadata.annotations['k/x']", 'v'],
    ["metadata.labels['none']", ''],
    ['spec.nodeName', 'n'],
    ['spec.serviceAccountName', 'sa'],
    ['status.podIP', '10.0.0.7'],
    ['status.podIPs', '10.0.0.7,fd00::7'],
    ['status.hostIP', '192.168.0.1'],
    ['status.hostIPs', '192.168.0.1'],
  ])('%s is %s', (path, expected) => expect(podFieldValue(pod, path, addresses)).toBe(expected));
  it('refuse what is not offered', () =>
    expect(() => podFieldValue(pod, 'spec.x', addresses)).toThrow('unsupported fieldPath: spec.x'));
  it('show maps line by line, quoted', () => expect(formatMap(pod.metadata.labels)).toBe('a="say \\"hi\\"\\n"\nb="2"'));
});

describe('service variables', () => {
  const service = (name: string, namespace: string, clusterIP: string): Service => ({
    metadata: { name, namespace },
    spec: {
      clusterIP,
      ports: [
        { name: 'web-port', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  });
  const all = [
    service('kubernetes', 'default', '10.96.0.1'),
    service('my-svc', 'ns', '10.96.0.2'),
    service('other', 'elsewhere', '10.96.0.3'),
    service('headless', 'ns', 'None'),
  ];
  it('name the services of the namespace, and kubernetes', () => {
    const env = serviceEnvironment(all, 'ns', true);
    expect(Object.fromEntries(env)).toMatchObject({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      MY_SVC_SERVICE_HOST: '10.96.0.2',
      MY_SVC_SERVICE_PORT: '80',
      MY_SVC_SERVICE_PORT_WEB_PORT: '80',
      MY_SVC_PORT: 'tcp://10.96.0.2:80',
      MY_SVC_PORT_53_UDP: 'udp://10.96.0.2:53',
      MY_SVC_PORT_53_UDP_PROTO: 'udp',
      MY_SVC_PORT_53_UDP_ADDR: '10.96.0.2',
    });
    expect([...env.keys()].some((key) => key.startsWith('OTHER') || key.startsWith('HEADLESS'))).toBe(false);
  });
  it('are only those of kubernetes without service links', () => {
    expect([...serviceEnvironment(all, 'ns', false).keys()].every((key) => key.startsWith('KUBERNETES_'))).toBe(true);
  });
});
