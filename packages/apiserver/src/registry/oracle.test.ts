import { type ApiRequest, isStatusError, systemClock, systemRandom } from '@keelson/core';
import { type HttpTransport, httpTransport, loadKubeconfig } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { everyRule, specs } from '../crd/crd.test-data.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { type CorpusObject, corpus } from './oracle-corpus.test-data.ts';
import { deploymentSpecs, otherSpecs, podSpecs, serviceSpecs } from './oracle-refusals.test-data.ts';
import { ResourceRegistry } from './resource-registry.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
/** What the server makes up by chance, or from its own life. */
function strip(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each: unknown) => {
    if (
      ['uid', 'creationTimestamp', 'resourceVersion', 'managedFields', 'nodePort', 'lastPhaseTransitionTime'].includes(
        key,
      )
    )
      return undefined;
    return each === null || each === '' || (Array.isArray(each) && each.length === 0) ? undefined : each;
  });
  return JSON.parse(
    text
      .replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-x')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'uid')
      .replaceAll(/10\.96\.\d+\.\d+/g, '10.96.x'),
  );
}

function requestFor(path: string, body: CorpusObject): ApiRequest {
  const parts = path.split('/').filter((each) => each !== '');
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  return {
    verb: 'create',
    group,
    version: body.apiVersion.split('/').at(-1) ?? '',
    resource: (namespaced ? rest[2] : rest[0]) ?? '',
    ...(namespaced && rest[1] !== undefined && { namespace: rest[1] }),
    body,
    options: { dryRun: ['All'] },
  };
}

async function outcomeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return strip(await attempt);
  } catch (error) {
    if (isStatusError(error)) return { refused: error.message };
    throw error;
  }
}

/** What was refused and why; what was accepted is compared elsewhere. */
function messageOf(outcome: unknown): string {
  const refused =
    typeof outcome === 'object' && outcome !== null && 'refused' in outcome ? outcome.refused : 'accepted';
  return String(refused).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'uid');
}

describe.runIf(kubeconfig)('beside a real control plane', () => {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    disabledAdmission: [],
  });
  const ours = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  const admin = { verb: 'create' as const, group: '', version: 'v1' };

  let theirs: HttpTransport;

  beforeAll(async () => {
    theirs = httpTransport(await loadKubeconfig(kubeconfig));
    await ours.request({ ...admin, resource: 'namespaces', body: { metadata: { name: 'default' } } });
    await ours.request({
      ...admin,
      resource: 'serviceaccounts',
      namespace: 'default',
      body: { metadata: { name: 'default' } },
    });
  });

  it.each(
    corpus.map(([path, body]) => [`${body.kind} ${body.metadata.name}`, path, body] as const),
  )('makes the same of %s', async (_title, path, body) => {
    const request = requestFor(path, body);
    expect(await outcomeOf(ours.request(request))).toEqual(await outcomeOf(theirs.request(request)));
  });

  it('treats custom objects alike', async () => {
    const definitions = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
    const { name } = everyRule.metadata;
    const outcomes: unknown[][] = [];
    for (const transport of [ours, theirs]) {
      await transport.request({ ...definitions, verb: 'create', body: everyRule });
      const served = { group: 'keelson.test', version: 'v1', resource: 'bees', namespace: 'default' };
      await vi.waitFor(() => transport.request({ ...served, verb: 'list' }), { timeout: 10_000, interval: 200 });
      const found: unknown[] = [];
      for (const [spec] of specs) {
        const body = { apiVersion: 'keelson.test/v1', kind: 'Bee', metadata: { name: 'o' }, spec };
        const request = { ...served, verb: 'create' as const, body, options: { dryRun: ['All'] } };
        found.push(await outcomeOf(transport.request(request)));
      }
      outcomes.push(found);
      await transport.request({ ...definitions, verb: 'delete', name });
    }
    specs.forEach(([spec], at) => {
      expect({ spec, outcome: outcomes[0]?.[at] }).toEqual({ spec, outcome: outcomes[1]?.[at] });
    });
  }, 30_000);

  const refusals: readonly (readonly [string, CorpusObject])[] = [
    ...podSpecs.map((spec) => ['/api/v1/namespaces/default/pods', 'Pod', spec] as const),
    ...deploymentSpecs.map((spec) => ['/apis/apps/v1/namespaces/default/deployments', 'Deployment', spec] as const),
    ...serviceSpecs.map((spec) => ['/api/v1/namespaces/default/services', 'Service', spec] as const),
    ...otherSpecs,
  ].map(([path, kind, spec]) => {
    const parts = path.split('/');
    const apiVersion = parts[1] === 'api' ? 'v1' : `${parts[2]}/${parts[3]}`;
    return [path, { apiVersion, kind, metadata: { name: 'x' }, spec }] as const;
  });

  it.each(
    refusals.map(([path, body], at) => [`${at} ${JSON.stringify(body['spec'])}`, path, body] as const),
  )('says the same of %s', async (_title, path, body) => {
    const request = requestFor(path, body);
    const [mine, real] = [await outcomeOf(ours.request(request)), await outcomeOf(theirs.request(request))];
    expect(messageOf(mine)).toEqual(messageOf(real));
  });
});
