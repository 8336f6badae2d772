import type { KubernetesObject, PolicyRule, ResourceType } from '../api/index.ts';
import { type Client, type Verb, wrapClient } from '../client/index.ts';
import type { Informer, InformerLease, InformerOptions, Informers } from '../informer/index.ts';
import { isStatusError, StatusError } from '../machinery/index.ts';

/** What an operator does beyond what follows from its definition. A type alone: it is read, and watched. */
export type Use =
  | ResourceType
  | {
      readonly type: ResourceType;
      /** Default: get, list, watch. */
      readonly verbs?: readonly Exclude<Verb, 'connect'>[];
      /** Instead of the resource itself, for example `status` or `scale`. */
      readonly subresources?: readonly string[];
    };

/** What an operator's definition says of the kinds that it works with. */
export interface Graph {
  readonly for: ResourceType;
  readonly owns: readonly ResourceType[];
  readonly references: readonly ResourceType[];
  readonly uses: readonly Use[];
  readonly rules: readonly PolicyRule[];
  /** Name of its CustomResourceDefinition, where it installs one. */
  readonly crd: string | undefined;
  /** Default `true`; else it only waits until somebody else has installed it. */
  readonly installsCrd?: boolean;
  /** Default `true`; without it no object is read or changed, unless `uses` says so. */
  readonly reconciles?: boolean;
  /** For the configurations of its webhooks. */
  readonly webhooks?: readonly PolicyRule[];
}

const read = ['get', 'list', 'watch'] as const;

/** The least that an operator must be allowed to do what it is defined to do. */
export function leastPrivilege(graph: Graph): readonly PolicyRule[] {
  const { reconciles = true, webhooks = [], crd } = graph;
  const rules: PolicyRule[] = [
    ...(reconciles ? reconcileRules(graph) : []),
    ...graph.uses.flatMap(rulesOfUse),
    ...(reconciles ? [{ apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }] : []),
    ...(crd === undefined ? [] : crdRules(crd, graph.installsCrd ?? true)),
    ...webhooks,
    ...graph.rules,
  ];
  return merged(rules);
}

function reconcileRules({ for: own, owns, references }: Graph): readonly PolicyRule[] {
  return [
    // Its finalizer, and its status where that is no subresource, are patches of the object.
    rule(own, [...read, 'patch']),
    ...(own.status ? [rule(own, ['patch'], 'status')] : []),
    // Kubernetes may ask for it where a child names its owner as one that blocks its deletion.
    rule(own, ['update'], 'finalizers'),
    ...owns.map((each) => rule(each, [...read, 'create', 'patch', 'delete'])),
    ...references.map((each) => rule(each, read)),
  ];
}

function rule({ group, plural }: ResourceType, verbs: readonly string[], subresource?: string): PolicyRule {
  return { apiGroups: [group], resources: [subresource === undefined ? plural : `${plural}/${subresource}`], verbs };
}

function rulesOfUse(use: Use): readonly PolicyRule[] {
  if (!('type' in use)) return [rule(use, read)];
  const { type, verbs = read, subresources } = use;
  return subresources ? subresources.map((each) => rule(type, verbs, each)) : [rule(type, verbs)];
}

function crdRules(name: string, installs: boolean): readonly PolicyRule[] {
  const definitions = { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'] };
  if (!installs) return [{ ...definitions, resourceNames: [name], verbs: read }];
  return [
    { ...definitions, verbs: ['create'] },
    { ...definitions, resourceNames: [name], verbs: [...read, 'update', 'patch'] },
  ];
}

/** Rules for the same resources as one, and resources with the same verbs together: what a person would write. */
function merged(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const verbsOf = new Map<
    string,
    { readonly of: PolicyRule; readonly resource: string; readonly verbs: Set<string> }
  >();
  const others: PolicyRule[] = [];
  for (const each of rules) {
    if (!each.apiGroups || !each.resources || each.nonResourceURLs) {
      others.push(each);
      continue;
    }
    for (const resource of each.resources) {
      const id = JSON.stringify([each.apiGroups, resource, each.resourceNames ?? []]);
      const known = verbsOf.get(id) ?? { of: each, resource, verbs: new Set<string>() };
      for (const verb of each.verbs) known.verbs.add(verb);
      verbsOf.set(id, known);
    }
  }
  const together = new Map<
    string,
    { readonly of: PolicyRule; readonly resources: string[]; readonly verbs: readonly string[] }
  >();
  for (const { of, resource, verbs } of verbsOf.values()) {
    const id = JSON.stringify([of.apiGroups, of.resourceNames ?? [], [...verbs].sort()]);
    const known = together.get(id);
    if (known) known.resources.push(resource);
    else together.set(id, { of, resources: [resource], verbs: [...verbs] });
  }
  const resourceRules = [...together.values()].map(({ of: { apiGroups, resourceNames }, resources, verbs }) => ({
    ...(apiGroups && { apiGroups }),
    resources,
    ...(resourceNames && { resourceNames }),
    verbs,
  }));
  return [...resourceRules, ...others];
}

/** What an operator has declared that it does, held against what it does. */
export class DeclaredAccess {
  readonly #operator: string;
  readonly #rules: readonly PolicyRule[];
  readonly #known = new Map<string, boolean>();

  constructor(operator: string, rules: readonly PolicyRule[]) {
    this.#operator = operator;
    this.#rules = rules;
  }

  /** @throws Error that says which line declares it */
  require(verb: Verb, type: ResourceType, subresource?: string): void {
    const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
    if (this.#declares(verb, type, resource)) return;
    const parts = subresource === undefined ? '' : `, subresources: ['${subresource}']`;
    throw new Error(
      `the operator "${this.#operator}" has not declared that it may ${verb} ${resource}: ` +
        `add { type: ${type.kind}, verbs: ['${verb}']${parts} } to its \`uses\``,
    );
  }

  client(client: Client): Client {
    return wrapClient(client, {
      call: async ({ verb, type, subresource, applies }, send) => {
        this.require(verb, type, subresource);
        try {
          return await send();
        } catch (error) {
          throw applies && subresource === undefined ? this.#explained(error, type) : error;
        }
      },
      watch: (type) => this.require('watch', type),
    });
  }

  /** Only the server knows whether what is applied is there already; else it has to be allowed to create it. */
  #explained(error: unknown, type: ResourceType): unknown {
    if (!isStatusError(error, 'Forbidden') || this.#declares('create', type, type.plural)) return error;
    const line = `{ type: ${type.kind}, verbs: ['patch', 'create'] }`;
    const message = `${error.message}: what is applied is created where it is not there; declare ${line} in the \`uses\` of "${this.#operator}"`;
    return new StatusError({ ...error.status, message });
  }

  #declares(verb: Verb, { group }: ResourceType, resource: string): boolean {
    const id = `${verb} ${group}/${resource}`;
    let declared = this.#known.get(id);
    if (declared === undefined) {
      declared = this.#rules.some((each) => covers(each, group, resource, verb));
      this.#known.set(id, declared);
    }
    return declared;
  }

  informers(informers: Informers): Informers {
    return new DeclaredInformers(informers, this);
  }
}

/** Rules with names count: which object is meant is known to the server alone. */
function covers({ apiGroups = [], resources = [], verbs }: PolicyRule, group: string, resource: string, verb: string) {
  const has = (list: readonly string[], ...wanted: readonly string[]) => wanted.some((each) => list.includes(each));
  const slash = resource.indexOf('/');
  const anyOfSubresource = slash < 0 ? [] : [`*${resource.slice(slash)}`];
  return has(apiGroups, '*', group) && has(resources, '*', resource, ...anyOfSubresource) && has(verbs, '*', verb);
}

class DeclaredInformers implements Informers {
  readonly #informers: Informers;
  readonly #access: DeclaredAccess;

  constructor(informers: Informers, access: DeclaredAccess) {
    this.#informers = informers;
    this.#access = access;
  }

  for<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>): Informer<T> {
    this.#require(type);
    return this.#informers.for(type, options);
  }

  metadata(type: ResourceType, options?: InformerOptions): Informer {
    this.#require(type);
    return this.#informers.metadata(type, options);
  }

  lease<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>): InformerLease<T> {
    this.#require(type);
    return this.#informers.lease(type, options);
  }

  observe<T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>) {
    this.#require(type);
    return this.#informers.observe(type, options);
  }

  #require(type: ResourceType): void {
    for (const verb of read) this.#access.require(verb, type);
  }
}
