import { readFileSync } from 'node:fs';
import type { CustomResourceDefinition, ValidatingAdmissionPolicySpec } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { customKinds } from '../../crd/custom-kind.ts';
import { builtinKinds } from '../../registry/builtin-kinds.ts';
import { KindCatalog } from '../../registry/catalog.ts';
import { servedVersions } from '../../registry/runtime-config.ts';
import { typeWarnings } from './type-warnings.ts';

interface Recorded {
  readonly name: string;
  readonly spec: ValidatingAdmissionPolicySpec;
  readonly typeChecking: { readonly expressionWarnings?: readonly object[] };
}

const text = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');
/** What a real control plane (v1.35.4) put in the status of policies; `#` stands for numbers that say when that was. */
const recorded = text('recorded-type-warnings.jsonl')
  .trim()
  .split('\n')
  .map((line): Recorded => JSON.parse(line));
const definitions: readonly CustomResourceDefinition[] = JSON.parse(text('checked-definitions.json'));

describe('the types of a policy', () => {
  const catalog = new KindCatalog(builtinKinds([], servedVersions({})));
  for (const each of definitions) catalog.setCustom(each.metadata.name, customKinds(each, undefined));

  it.each(recorded)('$name', async ({ spec, typeChecking }) => {
    const found = await typeWarnings(spec, { served: catalog.list(), nanoseconds: 123_000_000 });
    const shown: unknown = JSON.parse(JSON.stringify(found).replace(/([A-Za-z])123\d{6}\b/g, '$1#'));
    expect(shown).toEqual(typeChecking.expressionWarnings ?? []);
  });
});
