import { z } from 'zod';
import type { DiscoveredResource, ExtensionDocument } from './contract.ts';

export const aggregatedAccept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';

const Resource = z.looseObject({
  name: z.string(),
  singularName: z.string().default(''),
  namespaced: z.boolean(),
  group: z.string().optional(),
  version: z.string().optional(),
  kind: z.string(),
  verbs: z.array(z.string()),
  shortNames: z.array(z.string()).optional(),
  categories: z.array(z.string()).optional(),
});
const ResourceList = z.object({ kind: z.literal('APIResourceList').optional(), resources: z.array(Resource) });
const Aggregated = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().optional() }),
      versions: z.array(z.object({ version: z.string(), resources: z.array(z.looseObject({})).default([]) })),
    }),
  ),
});
const Document = z.object({
  paths: z.record(z.string(), z.unknown()).default({}),
  definitions: z.record(z.string(), z.unknown()).default({}),
});
const Places = z.object({ paths: z.record(z.string(), z.object({ serverRelativeURL: z.string() })) });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The resources of one version out of `/apis` in its aggregated form; `undefined`: it is another form, or not there. */
export function aggregatedResources(
  text: string,
  group: string,
  version: string,
): readonly DiscoveredResource[] | undefined {
  const found = Aggregated.safeParse(parsed(text)).data?.items.find(({ metadata }) => metadata.name === group);
  return found?.versions.find((each) => each.version === version)?.resources;
}

/** The resources of an APIResourceList in the form of `apidiscovery.k8s.io/v2`, as Kubernetes' aggregator makes them of it. */
export function listedResources(text: string): readonly DiscoveredResource[] | undefined {
  const list = ResourceList.safeParse(parsed(text)).data?.resources;
  if (!list) return undefined;
  const kindOf = ({ group = '', version = '', kind }: z.infer<typeof Resource>) => ({ group, version, kind });
  return list
    .filter(({ name }) => !name.includes('/'))
    .map((each) => {
      const { name, namespaced, singularName, verbs, shortNames, categories } = each;
      const subresources = list
        .filter((other) => other.name.startsWith(`${name}/`))
        .map((other) => ({
          subresource: other.name.slice(name.length + 1),
          responseKind: kindOf(other),
          verbs: other.verbs,
        }));
      return {
        resource: name,
        responseKind: kindOf(each),
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singularName,
        verbs,
        ...(shortNames?.length && { shortNames }),
        ...(categories?.length && { categories }),
        ...(subresources.length > 0 && { subresources }),
      };
    });
}

/** What an OpenAPI v2 document says of one place; `undefined`: it is none. */
export function documentOf(text: string, place: string): ExtensionDocument | undefined {
  const document = Document.safeParse(parsed(text)).data;
  if (!document) return undefined;
  const own = Object.entries(document.paths).filter(([path]) => path.startsWith(`/${place}/`) || path === `/${place}`);
  return { paths: Object.fromEntries(own), definitions: document.definitions };
}

/** Where OpenAPI v3 of a place is. */
export const placeOf = (text: string, place: string): string | undefined =>
  Places.safeParse(parsed(text)).data?.paths[place]?.serverRelativeURL;
