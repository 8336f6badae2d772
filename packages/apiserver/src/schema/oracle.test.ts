import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAs, definitionOf, resourceTable } from './index.ts';
import { type AskOracle, collectionPath, oracle } from './oracle.test-data.ts';
import { oracleWebhook, type SeenByWebhook } from './oracle-webhook.test-data.ts';
import { chanceFrom, randomBody } from './random-value.test-data.ts';
import { unlike } from './unlike.test-data.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);
const perKind = Number(process.env['KEELSON_TEST_CASES'] ?? 5);

/** Webhooks are not asked about what configures admission. */
const notAsked = new Set(['admissionregistration.k8s.io']);

describe.runIf(kubeconfig)('canonical objects beside a real control plane', () => {
  let ask: AskOracle;
  let webhook: SeenByWebhook;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
    webhook = await oracleWebhook(ask);
  }, 30_000);
  afterAll(() => webhook.stop());

  const kinds = resourceTable().resources.filter(
    ({ verbs, group }) => verbs.includes('create') && verbs.includes('get') && !notAsked.has(group),
  );

  it.each(kinds.map((each) => [`${each.group}/${each.version} ${each.kind}`, each] as const))(
    '%s',
    async (title, resource) => {
      const definition = definitionOf(resource.group, resource.version, resource.kind) ?? '';
      const chance = chanceFrom(seed + title.length * 7919 + title.charCodeAt(title.length - 1));
      const found: string[] = [];
      let compared = 0;
      for (let each = 0; each < perKind; each++) {
        const id = `${kinds.indexOf(resource)}-${each}`;
        const text = JSON.stringify(randomBody(definition, chance, webhook.label(id)));
        await ask('POST', `${collectionPath(resource)}?dryRun=All`, text);
        const theirs = webhook.objectOf(id);
        if (theirs === undefined) continue;
        compared++;
        found.push(...unlike(decodeAs(definition, JSON.parse(text), { unknown: [] }), theirs));
      }
      expect([...new Set(found)].slice(0, 20)).toEqual([]);
      // Some Pods are refused before webhooks are asked.
      expect(compared).toBeGreaterThan(0);
    },
    60_000,
  );
});
