import type { ResourceRequest } from '../http/request-info.ts';

const named = /(?:^|,)metadata\.name==?([^,!=]+)(?:,|$)/;

/** The one name that a request is about, by its path or its field selector. */
export const nameOf = ({ name }: ResourceRequest, query: URLSearchParams): string | undefined =>
  name ?? named.exec(query.get('fieldSelector') ?? '')?.[1];

const key = (group: string, resource: string, namespace = '', name = '') => `${group}/${resource}/${namespace}/${name}`;

/** How many watches there are, by what they are about. */
export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** Counts a watch until the function returned is called. */
  begin(info: ResourceRequest, query: URLSearchParams): () => void {
    const of = key(info.group, info.resource, info.namespace, nameOf(info, query));
    this.#counts.set(of, (this.#counts.get(of) ?? 0) + 1);
    return () => {
      const left = (this.#counts.get(of) ?? 1) - 1;
      if (left === 0) this.#counts.delete(of);
      else this.#counts.set(of, left);
    };
  }

  /** Those to which the event of a write goes. */
  interested({ group, resource, namespace, name }: ResourceRequest): number {
    if (this.#counts.size === 0) return 0;
    let count = this.#at(key(group, resource));
    if (namespace) count += this.#at(key(group, resource, namespace));
    if (name === undefined) return count;
    count += this.#at(key(group, resource, '', name));
    return namespace ? count + this.#at(key(group, resource, namespace, name)) : count;
  }

  #at(of: string): number {
    return this.#counts.get(of) ?? 0;
  }
}
