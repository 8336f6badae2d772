import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionOf, resourceTable } from '../schema/index.ts';
import { type AskOracle, collectionPath, oracle } from '../schema/oracle.test-data.ts';
import { oracleWebhook, type SeenByWebhook } from '../schema/oracle-webhook.test-data.ts';
import { chanceFrom, randomBody } from '../schema/random-value.test-data.ts';
import { unlike } from '../schema/unlike.test-data.ts';
import { builtinKinds } from './builtin-kinds.ts';
import { servedVersions } from './runtime-config.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);
const cases = Number(process.env['KEELSON_TEST_CASES'] ?? 10);

/** Versions whose shapes differ: from, to, plural. */
const pairs = [
  ['autoscaling/v1', 'autoscaling/v2', 'horizontalpodautoscalers'],
  ['autoscaling/v2', 'autoscaling/v1', 'horizontalpodautoscalers'],
  ['/v1', 'events.k8s.io/v1', 'events'],
  ['events.k8s.io/v1', '/v1', 'events'],
  ...['resourceclaims', 'resourceclaimtemplates', 'resourceslices', 'deviceclasses'].flatMap((resource) => [
    ['resource.k8s.io/v1beta1', 'resource.k8s.io/v1', resource] as const,
    ['resource.k8s.io/v1', 'resource.k8s.io/v1beta1', resource] as const,
    ['resource.k8s.io/v1beta2', 'resource.k8s.io/v1beta1', resource] as const,
  ]),
  ['coordination.k8s.io/v1alpha2', 'coordination.k8s.io/v1beta1', 'leasecandidates'],
  ['storage.k8s.io/v1', 'storage.k8s.io/v1beta1', 'volumeattributesclasses'],
  ['networking.k8s.io/v1beta1', 'networking.k8s.io/v1', 'ipaddresses'],
] as const;

/** What annotations of autoscaling/v1 hold is compared as what it is, not as a text. */
function opened(object: object): unknown {
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    key.startsWith('autoscaling.alpha') && typeof value === 'string' ? JSON.parse(value) : value,
  );
}

/** Only the real server defaults, and before it converts; and a time that is zero does not survive a second reading. */
const meantHere = /behavior|Policies|(Time|Timestamp|\.time): ours undefined, theirs null/;

describe.runIf(kubeconfig)('conversions beside a real control plane', () => {
  let ask: AskOracle;
  let webhook: SeenByWebhook | undefined;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
  });
  afterAll(() => webhook?.stop());
  const kinds = builtinKinds([], servedVersions({ 'api/all': true }));
  const find = (groupVersion: string, resource: string) => {
    const [group = '', version = ''] = groupVersion.split('/');
    const kind = kinds.find(
      ({ served }) => served.group === group && served.version === version && served.resource === resource,
    );
    const entry = resourceTable().resources.find(
      (each) => each.group === group && each.version === version && each.resource === resource,
    );
    if (!kind || !entry) throw new Error(`${groupVersion} ${resource} is not served`);
    return { kind, entry, group, version };
  };

  it.each(pairs)(
    '%s to %s: %s',
    async (source, target, resource) => {
      const from = find(source, resource);
      const to = find(target, resource);
      webhook = await oracleWebhook(ask, { group: to.group, version: to.version, resource });
      try {
        const chance = chanceFrom(seed * 101 + source.length + target.length);
        const definition = definitionOf(from.group, from.version, from.kind.served.kind) ?? '';
        const found: string[] = [];
        let compared = 0;
        for (let each = 0; each < cases; each++) {
          const text = JSON.stringify(randomBody(definition, chance, webhook.label(`${each}`)));
          await ask('POST', `${collectionPath(from.entry)}?dryRun=All`, text);
          const theirs = webhook.objectOf(`${each}`);
          if (theirs === undefined) continue;
          compared++;
          const stored = from.kind.decode(JSON.parse(text)).object;
          found.push(...unlike(opened(to.kind.view(stored)), opened(theirs)));
        }
        const unexplained = found.filter((each) => !meantHere.test(each));
        expect([...new Set(unexplained)].slice(0, 20)).toEqual([]);
        expect(compared).toBeGreaterThan(0);
      } finally {
        await webhook.stop();
        webhook = undefined;
      }
    },
    60_000,
  );
});
