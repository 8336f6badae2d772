import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, decodeAs, definitionOf, emptyOf, resourceTable, withNumberTexts } from './index.ts';
import { rememberNumbers } from './number-text.ts';
import { chanceFrom, randomBody } from './random-value.test-data.ts';

const core = 'io.k8s.api.core.v1.';
const decode = (definition: string, value: unknown) => {
  const unknown: string[] = [];
  return { object: decodeAs(definition, value, { unknown }), unknown };
};
const failure = (definition: string, value: unknown): string => {
  try {
    decode(definition, value);
    return 'decoded';
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
};
/** A pointer to the zero time is written as null, and read back as no pointer: in Go as here. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each: unknown) => (each === null ? undefined : each)));

describe('decodeAs', () => {
  it('tells places of unknown fields without keys of maps where it is asked to', () => {
    const value = { name: 'd', capacity: { a: { x: 1, value: '1' } } };
    const [keyed, unkeyed] = [false, true].map((each) => {
      const unknown: string[] = [];
      decodeAs('io.k8s.api.resource.v1.Device', value, { unknown, unkeyed: each });
      return unknown;
    });
    expect(keyed).toEqual(['unknown field "capacity.a.x"']);
    expect(unkeyed).toEqual(['unknown field "capacity.x"']);
  });

  it('rounds amounts of resources where Kubernetes fills in defaults, and nowhere else', () => {
    const amounts = { cpu: '0.0001' };
    const limits = decode(`${core}ResourceRequirements`, { limits: amounts });
    expect(limits.object).toEqual({ limits: { cpu: '1m' } });
    const overhead = decode('io.k8s.api.node.v1.Overhead', { podFixed: amounts });
    expect(overhead.object).toEqual({ podFixed: { cpu: '100u' } });
  });

  it.each(
    resourceTable().resources.map((each) => [`${each.group}/${each.version} ${each.kind}`, each] as const),
  )('gives what it would give again: %s', (_, { group, version, kind }) => {
    const definition = definitionOf(group, version, kind) ?? '';
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const body: unknown = JSON.parse(JSON.stringify(randomBody(definition, chanceFrom(seed), { a: 'b' })));
        const once = decode(definition, body).object;
        const twice = decode(definition, JSON.parse(JSON.stringify(once)));
        expect(twice.unknown).toEqual([]);
        expect(withoutNulls(twice.object)).toEqual(withoutNulls(once));
      }),
      { numRuns: 10 },
    );
  });

  it('leaves out what Go leaves out, and writes what Go writes', () => {
    const container = { name: 'c', image: '', tty: false, stdin: true, env: [], command: null, restartPolicy: '' };
    const { object } = decode(`${core}Pod`, {
      metadata: { name: 'a', labels: {}, generation: 0, deletionGracePeriodSeconds: 0, creationTimestamp: null },
      spec: { containers: [container], hostNetwork: false, priority: 0, nodeSelector: {} },
    });
    expect(JSON.parse(JSON.stringify(object))).toEqual({
      metadata: { name: 'a', deletionGracePeriodSeconds: 0 },
      spec: { containers: [{ name: 'c', stdin: true, restartPolicy: '', resources: {} }], priority: 0 },
      status: {},
    });
    expect(emptyOf('io.k8s.api.rbac.v1.ClusterRole')).toEqual({ metadata: {}, rules: null });
    expect(emptyOf('io.k8s.api.apps.v1.DaemonSet')).toMatchObject({
      spec: { selector: null, template: { metadata: {}, spec: { containers: null } }, updateStrategy: {} },
      status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
    });
  });

  it('names the place of what is unknown with indices, and of what does not fit without', () => {
    const spec = { containers: [{ ports: [{ foo: 1 }], livenessProbe: { httpGet: { bar: {} } } }] };
    expect(decode(`${core}Pod`, { spec, Spec: 1 }).unknown).toEqual([
      'unknown field "spec.containers[0].ports[0].foo"',
      'unknown field "spec.containers[0].livenessProbe.httpGet.bar"',
      'unknown field "Spec"',
    ]);
    expect(failure(`${core}Pod`, { spec: { containers: [{ livenessProbe: { httpGet: { host: 1 } } }] } })).toBe(
      'json: cannot unmarshal number into Go struct field HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.host of type string',
    );
    expect(failure(`${core}Pod`, { spec: { containers: [{ imagePullPolicy: true }] } })).toBe(
      'json: cannot unmarshal bool into Go struct field Container.spec.containers.imagePullPolicy of type v1.PullPolicy',
    );
  });

  it('tells the first thing that does not fit, unless one cannot be read at all', () => {
    const spec = (cpu: unknown) => ({
      nodeName: 1,
      hostNetwork: 'x',
      containers: [{ resources: { limits: { cpu } } }],
    });
    expect(failure(`${core}Pod`, { spec: spec('1') })).toContain('PodSpec.spec.nodeName of type string');
    expect(failure(`${core}Pod`, { spec: spec('x') })).toContain('quantities must match');
  });

  it('tells no more than a hundred unknown fields', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x${index}`, 1]));
    expect(decode(`${core}ConfigMap`, many).unknown).toHaveLength(100);
  });

  it('minds how an integer is written', () => {
    const body = { spec: { replicas: 1 } };
    rememberNumbers(body, new Map([['spec.replicas', '1.0']]));
    expect(failure('io.k8s.api.apps.v1.Deployment', withNumberTexts(body))).toBe(
      'json: cannot unmarshal number 1.0 into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  });

  it('stops at schemas in each other without end', () => {
    let schema: unknown = {};
    for (let depth = 0; depth < 3000; depth++) schema = { items: schema };
    const versions = [{ schema: { openAPIV3Schema: schema } }];
    const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
    expect(failure(crd, { spec: { versions } })).toBe('exceeded max depth');
  });
});
