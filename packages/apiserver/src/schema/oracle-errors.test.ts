import { beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../http/body-findings.ts';
import { DecodeError, decodeAs, definitionOf, resourceTable, withNumberTexts } from './index.ts';
import { type AskOracle, collectionPath, isJson, oracle } from './oracle.test-data.ts';
import { type Chance, chanceFrom, randomObject } from './random-value.test-data.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const seed = Number(process.env['KEELSON_TEST_SEED'] ?? 1);
const perKind = Number(process.env['KEELSON_TEST_CASES'] ?? 10);

/** Values of every JSON type, as text: numbers as an integer must not be written, times and bytes that are none. */
const strange = [
  '1',
  '1.0',
  '1e2',
  '1.5',
  '-1',
  '3000000000',
  '99999999999999999999',
  '"a"',
  '"2020-01-01"',
  '"2020-13-01T00:00:00Z"',
  '"2020-01-01T00:00:00Z"',
  '"YWJ"',
  '"Y=Jj"',
  'true',
  '{}',
  '[]',
  '[1]',
  '["a"]',
  '[{}]',
  '{"a":1}',
  '{"a":"b"}',
  '{"zzz":{"a":1}}',
];

const mark = '@strange@';

/** Puts a strange value in place of one that is anywhere in the object. Gives the text of the body. */
function mutate(body: Record<string, unknown>, chance: Chance): string {
  const places: (() => void)[] = [];
  const walk = (value: unknown) => {
    if (Array.isArray(value)) {
      value.forEach((each: unknown, index) => {
        places.push(() => {
          value[index] = mark;
        });
        walk(each);
      });
    } else if (isJson(value)) {
      const own = value as Record<string, unknown>;
      for (const [key, each] of Object.entries(own)) {
        places.push(() => {
          own[key] = mark;
        });
        walk(each);
      }
    }
  };
  for (const [key, each] of Object.entries(body)) if (key !== 'kind' && key !== 'apiVersion') walk(each);
  const count = 1 + Math.floor(chance() * 2);
  for (let each = 0; each < count; each++) places[Math.floor(chance() * places.length)]?.();
  return JSON.stringify(body).replaceAll(`"${mark}"`, () => strange[Math.floor(chance() * strange.length)] ?? '1');
}

describe.runIf(kubeconfig)('decode errors beside a real control plane', () => {
  let ask: AskOracle;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
  });
  const kinds = resourceTable().resources.filter(({ verbs }) => verbs.includes('create') && verbs.includes('get'));

  it.each(kinds.map((each) => [`${each.group}/${each.version} ${each.kind}`, each] as const))(
    '%s',
    async (title, resource) => {
      const { group, version, kind } = resource;
      const definition = definitionOf(group, version, kind) ?? '';
      const chance = chanceFrom(seed * 31 + title.length * 7919 + title.charCodeAt(title.length - 1));
      const found: unknown[] = [];
      for (let each = 0; each < perKind; each++) {
        const body: Record<string, unknown> = randomObject(definition, chance);
        delete body['kind'];
        delete body['apiVersion'];
        body['metadata'] = { name: 'A', ...(isJson(body['metadata']) && body['metadata']), namespace: 'default' };
        const text = mutate(body, chance);
        const answer = await ask('POST', `${collectionPath(resource)}?dryRun=All&fieldValidation=Strict`, text);
        const parsed: unknown = JSON.parse(answer.text);
        const message = isJson(parsed) ? String(parsed['message']) : '';
        const prefix = `${kind} in version "${version}" cannot be handled as a ${kind}: `;
        const theirs = answer.code === 400 && message.startsWith(prefix) ? message.slice(prefix.length) : 'decoded';
        const ours = outcome(definition, text);
        if (ours !== theirs) found.push({ ours, theirs, text: text.slice(0, 3000) });
      }
      expect(found.slice(0, 3)).toEqual([]);
    },
    60_000,
  );
});

function outcome(definition: string, text: string): string {
  const unknown: string[] = [];
  const read = readJson(text);
  try {
    decodeAs(definition, withNumberTexts(read.value as Record<string, unknown>), { unknown });
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  const findings = read.withUnknown(unknown, 'error');
  return findings.length === 0 ? 'decoded' : `strict decoding error: ${findings.join(', ')}`;
}
