import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/core';
import { bootstrapTable } from '../../../schema/index.ts';

const named = (list: readonly Readonly<Record<string, unknown>>[] | undefined, name: string) =>
  list?.find((each) => (each['metadata'] as { readonly name?: string } | undefined)?.name === name);

function specsOf<T>(plural: string): Readonly<Record<string, T>> {
  const list = bootstrapTable()[plural];
  const found: Record<string, T> = {};
  for (const name of ['exempt', 'catch-all']) {
    const spec = named(list, name)?.['spec'];
    if (spec !== undefined) found[name] = spec as T;
  }
  return found;
}

/** The two levels that requests always fall into; nobody may make them into something else. */
export const mandatoryLevels = specsOf<NonNullable<PriorityLevelConfiguration['spec']>>('prioritylevelconfigurations');
export const mandatorySchemas = specsOf<NonNullable<FlowSchema['spec']>>('flowschemas');
