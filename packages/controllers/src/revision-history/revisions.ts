import {
  type ControllerRevision,
  hashObject,
  isJsonObject,
  type KubernetesObject,
  type NewObject,
  ownerReferenceTo,
  type PodTemplateSpec,
  type ResourceType,
  semanticEqual,
} from '@keelson/core';

/** What a revision keeps: the pod template, as a patch that replaces it. */
export interface TemplatePatch {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: 'replace' } };
}

/** What the revisions of one kind look like. */
export interface RevisionKind {
  readonly type: ResourceType;
  /** The label of a revision that holds the hash of its data. */
  readonly hashLabel: string;
}

const longestPrefix = 223;

/** Members in alphabetical order: clients compare the very bytes with what Go makes of the template. */
export function templatePatch(template: PodTemplateSpec): TemplatePatch {
  return { spec: { template: sorted({ ...template, $patch: 'replace' as const }) } };
}

function sorted<T>(value: T): T {
  if (Array.isArray(value)) return value.map(sorted) as T;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // The same members, in another order.
  return Object.fromEntries(members.map(([name, each]) => [name, sorted(each)])) as T;
}

/** The template that a revision keeps; undefined for data of somebody else's making. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const spec = isJsonObject(data) ? data['spec'] : undefined;
  const template = isJsonObject(spec) ? spec['template'] : undefined;
  if (!isJsonObject(template)) return undefined;
  const { $patch: _patch, ...rest } = template;
  return rest as PodTemplateSpec;
}

export function keepsTemplate(revision: ControllerRevision, template: PodTemplateSpec): boolean {
  return semanticEqual(templateOf(revision), template);
}

export function hashOf(template: PodTemplateSpec, collisionCount: number): string {
  return hashObject(templatePatch(template), collisionCount);
}

/** Oldest first; the younger of equal ones, and then the later name, last. */
export function inOrder(revisions: readonly ControllerRevision[]): readonly ControllerRevision[] {
  const age = ({ metadata }: ControllerRevision) => metadata.creationTimestamp ?? '';
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision ||
      age(a).localeCompare(age(b)) ||
      (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0),
  );
}

export function newRevision(
  { type, hashLabel }: RevisionKind,
  owner: KubernetesObject,
  template: PodTemplateSpec,
  hash: string,
  revision: number,
): NewObject<ControllerRevision> {
  const { name, namespace, annotations } = owner.metadata;
  return {
    metadata: {
      name: `${name.slice(0, longestPrefix)}-${hash}`,
      ...(namespace !== undefined && { namespace }),
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations }),
      ownerReferences: [ownerReferenceTo(owner, type)],
    },
    data: templatePatch(template),
    revision,
  };
}

/** The revisions beyond the limit that nobody uses any more, oldest first. */
export function surplusRevisions(
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): readonly ControllerRevision[] {
  const idle = inOrder(revisions).filter(({ metadata }) => !live.has(metadata.name));
  return idle.slice(0, Math.max(0, idle.length - limit));
}
