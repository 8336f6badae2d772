import type { KubernetesObject, ResourceType, Transport } from '@keelson/core';
import { z } from 'zod';

const aggregated = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z.array(
        z.object({
          version: z.string(),
          resources: z
            .array(
              z.object({
                resource: z.string(),
                scope: z.string(),
                verbs: z.array(z.string()).default([]),
                responseKind: z.object({ kind: z.string() }),
              }),
            )
            .default([]),
        }),
      ),
    }),
  ),
});
const groupList = z.object({
  kind: z.literal('APIGroupList'),
  groups: z.array(z.object({ name: z.string(), preferredVersion: z.object({ version: z.string() }) })),
});
const resourceList = z.object({
  resources: z.array(
    z.object({ name: z.string(), namespaced: z.boolean(), kind: z.string(), verbs: z.array(z.string()).default([]) }),
  ),
});

export type AnyType = ResourceType<KubernetesObject>;

const needed = ['delete', 'list', 'watch'];
/** Events are no dependents worth their cost: they expire by themselves. */
const ignored = new Set(['events', 'events.events.k8s.io']);

function wanted(group: string, plural: string, verbs: readonly string[]): boolean {
  return (
    !plural.includes('/') &&
    needed.every((verb) => verbs.includes(verb)) &&
    !ignored.has(group === '' ? plural : `${plural}.${group}`)
  );
}

/** Every kind that can be listed, watched and deleted, in its preferred version: from aggregated or older discovery. */
export async function discoverTypes(transport: Transport, signal: AbortSignal): Promise<readonly AnyType[]> {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await transport.raw('GET', path, undefined, signal));
  const types: AnyType[] = [];
  for (const path of ['/api', '/apis']) {
    const answer = await read(path);
    const whole = aggregated.safeParse(answer);
    if (whole.success) {
      for (const { metadata, versions } of whole.data.items) {
        const group = metadata.name;
        const seen = new Set<string>();
        for (const { version, resources } of versions) {
          for (const { resource: plural, scope, verbs, responseKind } of resources) {
            if (seen.has(plural) || !wanted(group, plural, verbs)) continue;
            seen.add(plural);
            types.push({ group, version, plural, kind: responseKind.kind, namespaced: scope === 'Namespaced' });
          }
        }
      }
      continue;
    }
    const groups =
      path === '/api' ? [{ name: '', preferredVersion: { version: 'v1' } }] : groupList.parse(answer).groups;
    for (const { name: group, preferredVersion } of groups) {
      const { version } = preferredVersion;
      const list = resourceList.parse(await read(group === '' ? `/api/${version}` : `/apis/${group}/${version}`));
      for (const { name: plural, namespaced, kind, verbs } of list.resources) {
        if (wanted(group, plural, verbs)) types.push({ group, version, plural, kind, namespaced });
      }
    }
  }
  return types;
}

export function typeId(type: Pick<AnyType, 'group' | 'plural'>): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}
