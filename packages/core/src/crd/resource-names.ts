/** How a kind is called. */
export interface ResourceNames {
  /** A domain of your own, for example `example.com`. */
  readonly group: string;
  /** In CamelCase, singular. */
  readonly kind: string;
  /** Default: the kind in lower case with the plural's ending. */
  readonly plural?: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default `Namespaced`. */
  readonly scope?: 'Namespaced' | 'Cluster';
}

/** With the defaults in. */
export interface CompleteNames extends ResourceNames {
  readonly plural: string;
  readonly singular: string;
  readonly scope: 'Namespaced' | 'Cluster';
}

/** @throws TypeError for names that the API server would refuse */
export function completeNames(names: ResourceNames, versions: readonly string[]): CompleteNames {
  const { group, kind, plural = pluralOf(kind), singular = kind.toLowerCase(), scope = 'Namespaced' } = names;
  const wrong = (what: string, value: string, rule: string) => new TypeError(`${kind}: ${what} "${value}" ${rule}`);
  if (!/^[A-Z][A-Za-z0-9]*$/.test(kind)) throw wrong('kind', kind, 'must be CamelCase, such as "Website"');
  if (!group.includes('.') || !group.split('.').every((each) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(each))) {
    throw wrong('group', group, 'must be a domain name, such as "example.com"');
  }
  for (const version of versions) {
    if (!label.test(version)) throw wrong('version', version, 'must be a DNS label, such as "v1alpha1"');
  }
  if (!label.test(plural)) throw wrong('plural', plural, 'must be a DNS label in lower case');
  if (!label.test(singular)) throw wrong('singular', singular, 'must be a DNS label in lower case');
  return { ...names, plural, singular, scope };
}

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
