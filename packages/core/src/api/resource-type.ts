import type { ObjectMeta } from './generated/meta-v1.ts';

/** What every persisted object of the API has. Objects are shared between readers: nobody may change one. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/**
 * Names a kind of the API and carries its TypeScript type: what a client, an informer or a watch is asked for.
 * Every served kind of Kubernetes v1.35 has one under its own name (`Pod`, `Deployment`); `defineResource` makes
 * them for custom resources.
 */
export interface ResourceType<T extends KubernetesObject = KubernetesObject, Kind extends string = string> {
  /** API group; `''` is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: Kind;
  /** The name in URLs and RBAC rules, for example `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Whether the kind has a status subresource. */
  readonly status?: boolean;
  /** Type only; never present at run time. */
  readonly __type?: T;
}

/** `v1` for the core group, `apps/v1` for the others. */
export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}
