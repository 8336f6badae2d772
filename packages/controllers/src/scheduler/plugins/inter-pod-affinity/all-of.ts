import type { AffinityTerm, PodQuery } from '@keelson/core/scheduling';

const made = new WeakMap<readonly AffinityTerm[], PodQuery>();

/** The pods that match every one of the terms. Terms are shared by the pods of a template, and so is the answer. */
export function allOf(terms: readonly AffinityTerm[]): PodQuery {
  const known = made.get(terms);
  if (known) return known;
  const queries = [...new Map(terms.map((term) => [term.query.key, term.query])).values()];
  const restricted = queries.find((query) => query.namespaces)?.namespaces;
  const query: PodQuery =
    queries.length === 1
      ? queries[0]!
      : {
          key: queries
            .map((each) => each.key)
            .sort()
            .join(' & '),
          namespaces: restricted,
          matches: (pod) => queries.every((each) => each.matches(pod)),
        };
  made.set(terms, query);
  return query;
}
