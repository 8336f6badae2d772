import { builtinService } from '../bootstrap/local-api-services.ts';
import type { ResourceCatalog } from '../registry/contract.ts';
import type { Extensions, ExtensionVersion } from './contract.ts';

/** A version of a group in discovery: this server's own, or an extension's. */
export interface MergedVersion {
  readonly version: string;
  readonly extension: ExtensionVersion | undefined;
}

export interface MergedGroup {
  readonly group: string;
  readonly versions: readonly MergedVersion[];
}

const ofDefined = 1000;
const ofDefinedVersion = 100;
/** The aggregator's own group stands before all others. */
const first = 'apiregistration.k8s.io';

/** All groups but the one without a name, in the order of discovery: by `groupPriorityMinimum`, then by name. */
export function mergedGroups(catalog: ResourceCatalog, extensions: Extensions | undefined): readonly MergedGroup[] {
  const own: readonly MergedGroup[] = catalog
    .groups()
    .filter(({ group }) => group !== '')
    .map(({ group, versions }) => ({
      group,
      versions: versions.map((version): MergedVersion => ({ version, extension: undefined })),
    }));
  const further = extensions?.versions() ?? [];
  if (further.length === 0) return own;
  const merged = [...own];
  for (const name of new Set(further.map(({ group }) => group))) {
    const added = further.filter(({ group }) => group === name);
    const at = merged.findIndex(({ group }) => group === name);
    const group = { group: name, versions: withExtensions(name, merged[at]?.versions ?? [], added) };
    if (at >= 0) merged[at] = group;
    else {
      const priority = Math.max(...added.map(({ groupPriority }) => groupPriority));
      const before = merged.findIndex((each) => follows(each.group, priorityOf(catalog, each.group), name, priority));
      merged.splice(before < 0 ? merged.length : before, 0, group);
    }
  }
  return merged;
}

/** Whether a group stands behind one of that name and priority. */
function follows(group: string, priority: number, name: string, other: number): boolean {
  return priority === other ? group > name : priority < other;
}

function priorityOf(catalog: ResourceCatalog, group: string): number {
  if (group === first) return Number.POSITIVE_INFINITY;
  const version = catalog.groups().find((each) => each.group === group)?.versions[0] ?? '';
  const defined = catalog.inVersion(group, version).some((each) => each.custom);
  return defined ? ofDefined : (builtinService(group, version)?.spec.groupPriorityMinimum ?? ofDefined);
}

function withExtensions(
  group: string,
  own: readonly MergedVersion[],
  added: readonly ExtensionVersion[],
): readonly MergedVersion[] {
  const replaced = new Set(added.map(({ version }) => version));
  const kept = own.filter(({ version }) => !replaced.has(version));
  const all = [...kept, ...added.map((each) => ({ version: each.version, extension: each }))];
  const rank = ({ version, extension }: MergedVersion) =>
    extension?.versionPriority ?? builtinService(group, version)?.spec.versionPriority ?? ofDefinedVersion;
  return all.sort((a, b) => rank(b) - rank(a) || (a.version < b.version ? -1 : 1));
}
