import { type Observable, Subject } from 'rxjs';
import { resourceTable } from '../schema/index.ts';
import type { CatalogChange, GroupVersions, ResourceCatalog, ServedResource } from './contract.ts';
import type { Kind } from './kind.ts';

const address = (group: string, version: string, resource: string) => `${group}/${version}/${resource}`;

/** Adds to the list of a key. */
function append<T>(lists: Map<string, readonly T[]>, key: string, value: T): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

/** Takes from the list of a key; an empty list goes. */
function takeOut<T>(lists: Map<string, readonly T[]>, key: string, value: T): void {
  const left = (lists.get(key) ?? []).filter((each) => each !== value);
  if (left.length === 0) lists.delete(key);
  else lists.set(key, left);
}

/** Every kind that is served now: the built-in ones for good, custom ones as CRDs come and go. */
export class KindCatalog implements ResourceCatalog {
  readonly #builtinGroups: readonly GroupVersions[];
  readonly #kinds = new Map<string, Kind>();
  readonly #custom = new Map<string, readonly Kind[]>();
  readonly #byPrefix = new Map<string, readonly Kind[]>();
  /** By `group/resource`. */
  readonly #byResource = new Map<string, readonly Kind[]>();
  /** By `group/version`. */
  readonly #byVersion = new Map<string, readonly ServedResource[]>();
  /** Of custom kinds, how many there are, by group and version. */
  readonly #customVersions = new Map<string, Map<string, number>>();
  readonly #changes = new Subject<CatalogChange>();
  #groups: readonly GroupVersions[] | undefined;

  constructor(builtin: readonly Kind[]) {
    for (const kind of builtin) this.#add(kind);
    this.#builtinGroups = [
      { group: '', versions: ['v1'] },
      ...resourceTable()
        .groups.map(({ group, versions }) => ({
          group,
          versions: versions.filter((version) => this.#byVersion.has(`${group}/${version}`)),
        }))
        .filter((each) => each.versions.length > 0),
    ];
  }

  get changes$(): Observable<CatalogChange> {
    return this.#changes;
  }

  list(): readonly ServedResource[] {
    return [...this.#kinds.values()].map((kind) => kind.served);
  }

  inVersion(group: string, version: string): readonly ServedResource[] {
    return this.#byVersion.get(`${group}/${version}`) ?? [];
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.kind(group, version, resource)?.served;
  }

  kind(group: string, version: string, resource: string): Kind | undefined {
    return this.#kinds.get(address(group, version, resource));
  }

  /** Any served version of a kind; the objects are the same. */
  anyVersion(group: string, resource: string): Kind | undefined {
    return this.#byResource.get(`${group}/${resource}`)?.[0];
  }

  /** All versions under which the objects of a kind are served, its own among them, in the order of discovery. */
  sharing({ prefix }: Pick<Kind, 'prefix'>): readonly Kind[] {
    return this.#byPrefix.get(prefix) ?? [];
  }

  /** All versions of one CRD's kind, instead of those before; none: it is no longer served. */
  setCustom(name: string, kinds: readonly Kind[]): void {
    const before = this.#custom.get(name) ?? [];
    for (const kind of before) {
      this.#remove(kind);
      this.#countVersion(kind.served, -1);
    }
    if (kinds.length === 0) this.#custom.delete(name);
    else this.#custom.set(name, kinds);
    for (const kind of kinds) {
      this.#add(kind);
      this.#countVersion(kind.served, 1);
    }
    this.#changes.next({ before: before.map(({ served }) => served), after: kinds.map(({ served }) => served) });
  }

  hasBuiltIn(group: string): boolean {
    return this.#builtinGroups.some((each) => each.group === group);
  }

  groups(): readonly GroupVersions[] {
    this.#groups ??= [
      ...this.#builtinGroups,
      // All have the same priority: after that the name counts, whenever they came.
      ...[...this.#customVersions]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([group, versions]) => ({ group, versions: [...versions.keys()].sort(byPriority) })),
    ];
    return this.#groups;
  }

  #add(kind: Kind): void {
    const { group, version, resource } = kind.served;
    this.#kinds.set(address(group, version, resource), kind);
    append(this.#byPrefix, kind.prefix, kind);
    append(this.#byResource, `${group}/${resource}`, kind);
    append(this.#byVersion, `${group}/${version}`, kind.served);
  }

  #remove(kind: Kind): void {
    const { group, version, resource } = kind.served;
    this.#kinds.delete(address(group, version, resource));
    takeOut(this.#byPrefix, kind.prefix, kind);
    takeOut(this.#byResource, `${group}/${resource}`, kind);
    takeOut(this.#byVersion, `${group}/${version}`, kind.served);
  }

  /** The groups are made anew only where one, or a version of one, comes or goes. */
  #countVersion({ group, version }: ServedResource, by: 1 | -1): void {
    const versions = this.#customVersions.get(group) ?? new Map<string, number>();
    const count = (versions.get(version) ?? 0) + by;
    if (count === 0) versions.delete(version);
    else versions.set(version, count);
    if (versions.size === 0) this.#customVersions.delete(group);
    else this.#customVersions.set(group, versions);
    if (count === 0 || (by === 1 && count === 1)) this.#groups = undefined;
  }
}

/** Version priority of kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning. */
export function byPriority(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  for (let at = 0; at < 3; at++) {
    const difference = (right[at] ?? 0) - (left[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

function rank(version: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return [0, 0, 0];
  const [, major, stage, minor] = match;
  return [stage === undefined ? 3 : stage === 'beta' ? 2 : 1, Number(major), Number(minor ?? 0)];
}
