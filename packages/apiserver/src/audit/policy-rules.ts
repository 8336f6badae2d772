import { isLevel, isStage, type Level, type PolicyConfig, type RuleConfig, type Stage } from './policy.ts';

/** What of a request the rules of a policy look at. */
export interface AuditedRequest {
  /** Absent: nobody knows who asks. */
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
  readonly verb: string;
  readonly path: string;
  readonly resource?: {
    readonly group: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

/** How a request is taken down. */
export interface AuditConfig {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

type Matches = (request: AuditedRequest) => boolean;

/** The rules of a policy, worked out once: the first that matches a request says how it is taken down, if at all. */
export class PolicyRules {
  readonly #rules: readonly { readonly matches: Matches; readonly config: AuditConfig }[];
  readonly #otherwise: AuditConfig;

  /** @param policy one that is valid */
  constructor(policy: PolicyConfig) {
    const stagesOf = (own: readonly string[]) => new Set([...policy.omitStages, ...own].filter(isStage));
    this.#rules = policy.rules.map((rule) => ({
      matches: matcherOf(rule),
      config: {
        level: isLevel(rule.level) ? rule.level : 'None',
        omitStages: stagesOf(rule.omitStages),
        omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
      },
    }));
    this.#otherwise = { level: 'None', omitStages: stagesOf([]), omitManagedFields: policy.omitManagedFields };
  }

  of(request: AuditedRequest): AuditConfig {
    for (const { matches, config } of this.#rules) if (matches(request)) return config;
    return this.#otherwise;
  }
}

function matcherOf(rule: RuleConfig): Matches {
  const all: Matches[] = [];
  if (rule.users.length > 0) {
    const users = new Set(rule.users);
    all.push(({ user }) => user !== undefined && users.has(user.name));
  }
  if (rule.userGroups.length > 0) {
    const groups = new Set(rule.userGroups);
    all.push(({ user }) => user?.groups.some((each) => groups.has(each)) ?? false);
  }
  if (rule.verbs.length > 0) {
    const verbs = new Set(rule.verbs);
    all.push(({ verb }) => verbs.has(verb));
  }
  if (rule.namespaces.length > 0 || rule.resources.length > 0) all.push(resourceMatcher(rule));
  else if (rule.nonResourceURLs.length > 0) {
    all.push(({ resource, path }) => !resource && rule.nonResourceURLs.some((each) => matchesPath(path, each)));
  }
  return (request) => all.every((matches) => matches(request));
}

function resourceMatcher({ namespaces, resources }: RuleConfig): Matches {
  return ({ resource }) => {
    if (!resource) return false;
    // What lies in none is in the empty one.
    if (namespaces.length > 0 && !namespaces.includes(resource.namespace ?? '')) return false;
    return resources.length === 0 || resources.some((each) => matchesResource(each, resource));
  };
}

function matchesResource(
  rule: RuleConfig['resources'][number],
  { group, resource, subresource, name }: NonNullable<AuditedRequest['resource']>,
): boolean {
  if (rule.group !== group) return false;
  if (rule.resources.length === 0) return true;
  if (rule.resourceNames.length > 0 && !rule.resourceNames.includes(name ?? '')) return false;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return rule.resources.some(
    (each) =>
      each === '*' ||
      each === whole ||
      (subresource !== undefined && each === `*/${subresource}`) ||
      each === `${resource}/*`,
  );
}

const matchesPath = (path: string, rule: string) =>
  rule === '*' || rule === path || (rule.endsWith('*') && path.startsWith(rule.replace(/\*+$/, '')));
