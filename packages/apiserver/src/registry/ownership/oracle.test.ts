import {
  type ApiRequest,
  isStatusError,
  type PatchType,
  systemClock,
  systemRandom,
  type Transport,
} from '@keelson/core';
import { httpTransport, loadKubeconfig } from '@keelson/core/client';
import { seededRandom, silentLogger } from '@keelson/core/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { inProcessTransport } from '../in-process-transport.ts';
import { ResourceRegistry } from '../resource-registry.ts';
import { type SequenceKind, sequenceKinds, waspDefinition } from './oracle-sequences.test-data.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? '1');
const cases = Number(process.env['KEELSON_TEST_CASES'] ?? '8');
const only = process.env['KEELSON_TEST_KIND'];
type Json = { [key: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(a: unknown, b: unknown): unknown {
  if (!isObject(a) || !isObject(b)) return b === undefined ? a : structuredClone(b);
  const result: Json = { ...a };
  for (const [key, each] of Object.entries(b)) result[key] = merge(a[key], each);
  return result;
}

interface Step {
  readonly text: string;
  /** Made of the newest object of the side. */
  readonly request: (current: Json | undefined) => ApiRequest;
}

function stepsOf(kind: SequenceKind, name: string, random: () => number): Step[] {
  const { group, version, resource } = kind;
  const target = { group, version, resource, ...(kind.namespaced && { namespace: 'own' }) };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const some = (list: readonly object[], most: number): Json => {
    let result: unknown = {};
    for (let count = Math.floor(random() * (most + 1)); count > 0; count--) result = merge(result, pick(list));
    return result as Json;
  };
  const manager = () => pick(['m1', 'm2', 'm3', 'kubectl']);
  const identity = {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: kind.kind,
    metadata: { name, ...(kind.namespaced && { namespace: 'own' }) },
  };
  const options = (extra: object = {}) => ({ options: { fieldManager: manager(), ...extra } });
  const step = (text: string, request: Step['request']): Step => ({ text, request });
  const patch = (patchType: PatchType, body: unknown, extra: object = {}, subresource?: string): Step => {
    const given = options(extra);
    const request = {
      ...target,
      name,
      verb: 'patch' as const,
      patchType,
      body,
      ...given,
      ...(subresource && { subresource }),
    };
    return step(
      `${subresource ?? ''} ${patchType} ${JSON.stringify(given.options)} ${JSON.stringify(body)}`,
      () => request,
    );
  };
  const create = (): Step => {
    const body = merge(merge(identity, kind.base), some(kind.parts, 4)) as Json;
    const given = options();
    if (random() < 0.1) return patch('application/apply-patch+yaml', body);
    return step(`create ${JSON.stringify(body)}`, () => ({ ...target, verb: 'create', body, ...given }));
  };
  const put = (subresource?: string): Step => {
    const change = some(subresource ? kind.status : kind.parts, 2);
    const without =
      random() < 0.3 ? pick(['labels', 'annotations', 'managedFields', 'finalizers', 'generateName']) : undefined;
    const empty = random() < 0.05;
    const given = options();
    return step(
      `put ${subresource ?? ''} ${JSON.stringify(given.options)} ${JSON.stringify(change)} without ${without} ${empty}`,
      (current) => {
        const body = merge(current, change) as Json;
        if (isObject(body['metadata'])) {
          body['metadata'] = { ...body['metadata'], resourceVersion: undefined };
          if (without) body['metadata'] = { ...(body['metadata'] as Json), [without]: undefined };
          if (empty) body['metadata'] = { ...(body['metadata'] as Json), managedFields: [] };
        }
        return { ...target, name, verb: 'update', body, ...given, ...(subresource && { subresource }) };
      },
    );
  };
  const apply = (subresource?: string): Step => {
    const bare = random() < 0.3 ? identity : merge(identity, kind.base);
    const body = merge(
      subresource && random() < 0.8 ? identity : bare,
      some(subresource ? kind.status : kind.parts, 4),
    );
    return patch('application/apply-patch+yaml', body, random() < 0.5 ? { force: true } : {}, subresource);
  };
  const nulls = (): Json =>
    pick<Json>([
      { metadata: { labels: null } },
      { metadata: { annotations: null } },
      { metadata: { labels: { a: null } } },
      { metadata: { managedFields: [{}] } },
      { data: null },
      { metadata: { ownerReferences: null } },
      { metadata: { finalizers: null } },
    ]);
  const scale = (): Step => {
    const body: Json = { spec: pick<Json>([{ replicas: 3 }, { replicas: 1 }, { replicas: 0 }, {}]) };
    const wanted = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: identity.metadata, ...body };
    return pick([
      () => patch('application/merge-patch+json', body, {}, 'scale'),
      () => patch('application/apply-patch+yaml', wanted, random() < 0.5 ? { force: true } : {}, 'scale'),
      () =>
        step(`put scale ${JSON.stringify(body)}`, () => ({
          ...target,
          name,
          verb: 'update',
          subresource: 'scale',
          body: wanted,
          options: { fieldManager: 'm1' },
        })),
    ])();
  };
  const next = (): Step => {
    const chance = random();
    if (kind.scale && chance < 0.1 && group !== 'own.keelson.test') return scale();
    if (kind.status.length > 0 && chance < 0.35) {
      return pick([
        () => put('status'),
        () => apply('status'),
        () => patch('application/merge-patch+json', some(kind.status, 2), {}, 'status'),
      ])();
    }
    return pick([
      () => put(),
      () => apply(),
      () => apply(),
      () => apply(),
      () => patch('application/merge-patch+json', some(kind.parts, 2)),
      () => patch('application/merge-patch+json', nulls()),
      () =>
        group === 'own.keelson.test'
          ? patch('application/json-patch+json', [{ op: 'add', path: '/spec/n', value: 6 }])
          : patch('application/strategic-merge-patch+json', some(kind.parts, 2)),
    ])();
  };
  return [create(), ...Array.from({ length: 9 }, next)];
}

const podDiff = /(pod updates may not change).*/s;
const elsewhere = new Set(['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']);

/** What the server makes up, and the order of entries whose times may be a second apart. */
function settle(value: unknown, version: unknown): unknown {
  const seen = (key: string, each: unknown): unknown => {
    if (key === 'uid' && typeof each === 'string' && each.length > 30) return 'uid';
    if (key === 'creationTimestamp' && each) return 'T';
    // What other rooms make of a kind is compared elsewhere.
    if (each === null || elsewhere.has(key)) return undefined;
    if (key === 'message' && typeof each === 'string') return each.replace(podDiff, '$1');
    if (key === 'resourceVersion') return each === version ? 'same' : 'other';
    if (key === 'causes' && Array.isArray(each))
      return each.map((one) => JSON.stringify(one).replace(podDiff, '$1')).sort();
    if (key === 'managedFields' && Array.isArray(each)) {
      return each
        .map((entry: Json) => ({ ...entry, ...(entry['time'] !== undefined && { time: 'T' }) }))
        .sort((a, b) => (identityText(a) < identityText(b) ? -1 : 1));
    }
    return each;
  };
  return JSON.parse(JSON.stringify(value ?? 'absent', seen));
}
const identityText = ({ manager, operation, subresource, apiVersion }: Json) =>
  JSON.stringify([manager, operation, subresource, apiVersion]);

interface Side {
  readonly transport: Transport;
  current: Json | undefined;
}

/** Undefined for what is not there: the first step may have been refused. */
async function orAbsent(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function play(side: Side, { request }: Step, target: ApiRequest): Promise<unknown> {
  const version = isObject(side.current?.['metadata']) ? side.current['metadata']['resourceVersion'] : undefined;
  let outcome: unknown;
  try {
    outcome = await side.transport.request(request(side.current));
  } catch (error) {
    if (!isStatusError(error)) throw error;
    // The client says what kind of error a server did not name.
    outcome = { ...error.status, metadata: {}, ...(error.code === 500 && { reason: '' }) };
  }
  const now = await orAbsent(side.transport.request({ ...target, verb: 'get' }));
  const settled = { outcome: settle(outcome, version), stored: settle(now, version) };
  side.current = now === undefined ? undefined : (JSON.parse(JSON.stringify(now)) as Json);
  return settled;
}

describe.runIf(kubeconfig)('ownership beside a real API server', () => {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  const ours = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  let theirs: Transport;
  const run = Math.floor(systemClock.now() % 1e9);

  beforeAll(async () => {
    theirs = httpTransport(await loadKubeconfig(kubeconfig));
    for (const transport of [ours, theirs]) {
      for (const [group, resource, body] of [
        ['', 'namespaces', { metadata: { name: 'own' } }],
        ['', 'namespaces', { metadata: { name: 'default' } }],
        ['apiextensions.k8s.io', 'customresourcedefinitions', waspDefinition],
      ] as const) {
        const request = { verb: 'create' as const, group, version: 'v1', resource, body };
        await transport.request(request).catch((error: unknown) => {
          if (!isStatusError(error, 'AlreadyExists')) throw error;
        });
      }
      const wasps = {
        group: 'own.keelson.test',
        version: 'v1',
        resource: 'wasps',
        namespace: 'own',
        verb: 'list' as const,
      };
      await vi.waitFor(() => transport.request(wasps), { timeout: 10_000, interval: 200 });
    }
  }, 30_000);

  const numbered = sequenceKinds
    .filter((kind) => only === undefined || kind.kind === only)
    .flatMap((kind) =>
      Array.from({ length: cases }, (_, at) => [`${kind.version} ${kind.kind} ${seed + at}`, kind, seed + at] as const),
    );
  it.each(numbered)(
    '%s',
    async (_title, kind, at) => {
      const name = `s${at}-${kind.version}-${run}`;
      const { group, version, resource } = kind;
      const target: ApiRequest = {
        verb: 'get',
        group,
        version,
        resource,
        name,
        ...(kind.namespaced && { namespace: 'own' }),
      };
      const sides: Side[] = [ours, theirs].map((transport) => ({ transport, current: undefined }));
      const told: string[] = [];
      for (const step of stepsOf(kind, name, seededRandom(at))) {
        told.push(step.text);
        const outcomes: unknown[] = [];
        for (const side of sides) outcomes.push(await play(side, step, target));
        expect(outcomes[0], told.join('\n')).toEqual(outcomes[1]);
      }
      for (const side of sides) {
        const body = { metadata: { finalizers: null } };
        const patchType = 'application/merge-patch+json';
        await orAbsent(side.transport.request({ ...target, verb: 'patch', patchType, body }));
        await orAbsent(side.transport.request({ ...target, verb: 'delete', options: { gracePeriodSeconds: 0 } }));
      }
    },
    20_000,
  );
});
