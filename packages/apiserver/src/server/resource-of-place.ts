import { prefixFor } from '../registry/kind.ts';
import { resourceTable } from '../schema/index.ts';

type GroupResource = { readonly group: string; readonly resource: string };

let builtIn: ReadonlyMap<string, GroupResource> | undefined;

/** What is kept besides objects, under the names by which Kubernetes encrypts it. */
const besides: readonly (readonly [string, GroupResource])[] = [
  ['/registry/ranges/servicenodeports/', { group: '', resource: 'servicenodeportallocations' }],
  ['/registry/ranges/serviceips/', { group: '', resource: 'serviceipallocations' }],
];

function builtInPlaces(): ReadonlyMap<string, GroupResource> {
  const places = new Map(besides);
  for (const { group, resource } of resourceTable().resources) {
    const place = prefixFor(group, resource);
    // Events are one kind, which counts as one of the core group.
    if (group !== 'events.k8s.io' && !places.has(place)) places.set(place, { group, resource });
  }
  return places;
}

/** The resource whose objects are kept below a place: `/registry/minions/` are `nodes`. */
export function resourceOfPlace(place: string): GroupResource | undefined {
  builtIn ??= builtInPlaces();
  const known = builtIn.get(place);
  if (known) return known;
  const [, , group, resource] = place.split('/');
  return group?.includes('.') && resource ? { group, resource } : undefined;
}
