import { type Observable, Subject } from 'rxjs';
import { resourceTable } from '../schema/index.ts';
import type { ResourceCatalog, ServedResource } from './contract.ts';
import type { Kind } from './kind.ts';

const address = (group: string, version: string, resource: string) => `${group}/${version}/${resource}`;

/** Every kind that is served now: the built-in ones for good, custom ones as CRDs come and go. */
export class KindCatalog implements ResourceCatalog {
  readonly #builtin: readonly Kind[];
  readonly #kinds = new Map<string, Kind>();
  readonly #custom = new Map<string, readonly Kind[]>();
  readonly #changes = new Subject<void>();
  #groups: readonly { readonly group: string; readonly versions: readonly string[] }[] | undefined;

  constructor(builtin: readonly Kind[]) {
    this.#builtin = builtin;
    for (const kind of builtin) this.#add(kind);
  }

  get changes$(): Observable<void> {
    return this.#changes;
  }

  list(): readonly ServedResource[] {
    return [...this.#kinds.values()].map((kind) => kind.served);
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.kind(group, version, resource)?.served;
  }

  kind(group: string, version: string, resource: string): Kind | undefined {
    return this.#kinds.get(address(group, version, resource));
  }

  /** Any served version of a kind; the objects are the same. */
  anyVersion(group: string, resource: string): Kind | undefined {
    for (const kind of this.#kinds.values()) {
      if (kind.served.group === group && kind.served.resource === resource) return kind;
    }
    return undefined;
  }

  /** All versions under which the objects of a kind are served, its own among them, in the order of discovery. */
  sharing({ prefix }: Pick<Kind, 'prefix'>): readonly Kind[] {
    return [...this.#kinds.values()].filter((kind) => kind.prefix === prefix);
  }

  /** Every kind once, whatever the number of its versions. */
  distinct(): readonly Kind[] {
    const seen = new Map<string, Kind>();
    for (const kind of this.#kinds.values()) if (!seen.has(kind.prefix)) seen.set(kind.prefix, kind);
    return [...seen.values()];
  }

  /** All versions of one CRD's kind, instead of those before; none: it is no longer served. */
  setCustom(name: string, kinds: readonly Kind[]): void {
    for (const kind of this.#custom.get(name) ?? []) {
      this.#kinds.delete(address(kind.served.group, kind.served.version, kind.served.resource));
    }
    if (kinds.length === 0) this.#custom.delete(name);
    else this.#custom.set(name, kinds);
    for (const kind of kinds) this.#add(kind);
    this.#groups = undefined;
    this.#changes.next();
  }

  groups(): readonly { readonly group: string; readonly versions: readonly string[] }[] {
    this.#groups ??= this.#findGroups();
    return this.#groups;
  }

  #add(kind: Kind): void {
    this.#kinds.set(address(kind.served.group, kind.served.version, kind.served.resource), kind);
  }

  #findGroups() {
    const served = (group: string, version: string) =>
      this.#builtin.some((kind) => kind.served.group === group && kind.served.version === version);
    const builtin = resourceTable().groups.map(({ group, versions }) => ({
      group,
      versions: versions.filter((version) => served(group, version)),
    }));
    const custom = new Map<string, Set<string>>();
    for (const kinds of this.#custom.values()) {
      for (const { served: each } of kinds) {
        const versions = custom.get(each.group) ?? new Set();
        custom.set(each.group, versions.add(each.version));
      }
    }
    return [
      { group: '', versions: ['v1'] },
      ...builtin.filter((each) => each.versions.length > 0),
      ...[...custom].map(([group, versions]) => ({ group, versions: [...versions].sort(byPriority) })),
    ];
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
