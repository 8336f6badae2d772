import type { Client } from '@keelson/core';
import { z } from 'zod';

/** A kind whose objects live in namespaces and can be listed and deleted together. */
export interface ContentKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** The kinds that the API serves now; `failures` are the group versions that could not be asked. */
export interface Discovery {
  readonly kinds: readonly ContentKind[];
  readonly failures: readonly string[];
}

/** How the namespace controller learns which kinds there are. */
export type DiscoverKinds = (client: Client, signal: AbortSignal) => Promise<Discovery>;

const resourceShape = z.object({
  name: z.string(),
  namespaced: z.boolean().default(false),
  verbs: z.array(z.string()).default([]),
});
const resourceListShape = z.object({ resources: z.array(resourceShape).default([]) });
const versionsShape = z.object({ versions: z.array(z.string()) });
const groupsShape = z.object({
  groups: z.array(z.object({ name: z.string(), preferredVersion: z.object({ version: z.string() }) })),
});
type Resource = z.infer<typeof resourceShape>;

const needed = ['list', 'deletecollection'];

/** Reads the discovery documents below `/api` and `/apis`, each group in its preferred version. */
export const discoverKinds: DiscoverKinds = async (client, signal) => {
  const read = async <T>(path: string, shape: z.ZodType<T>): Promise<T> =>
    shape.parse(JSON.parse(await client.transport.raw('GET', path, undefined, signal)));
  const { versions } = await read('/api', versionsShape);
  const { groups } = await read('/apis', groupsShape);
  const sources = [
    ...versions.map((version) => ({ group: '', version, path: `/api/${version}` })),
    ...groups.map(({ name, preferredVersion: { version } }) => ({
      group: name,
      version,
      path: `/apis/${name}/${version}`,
    })),
  ];
  const kinds: ContentKind[] = [];
  const failures: string[] = [];
  await Promise.all(
    sources.map(async ({ group, version, path }) => {
      try {
        const { resources } = await read(path, resourceListShape);
        kinds.push(...contentKinds(group, version, resources));
      } catch (error) {
        if (signal.aborted) throw error;
        failures.push(`${path.slice(path.indexOf('/', 1) + 1)}: ${error instanceof Error ? error.message : error}`);
      }
    }),
  );
  return { kinds, failures: failures.sort() };
};

export function contentKinds(group: string, version: string, resources: readonly Resource[]): readonly ContentKind[] {
  return resources
    .filter(({ name, namespaced, verbs }) => {
      return namespaced && !name.includes('/') && needed.every((verb) => verbs.includes(verb));
    })
    .map(({ name }) => ({ group, version, resource: name }));
}
