import { identity } from './prefix-transformers.ts';
import type { ValueTransformer } from './value-transformer.ts';

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`. */
export function parseGroupResource(text: string): GroupResource {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', resource: text } : { resource: text.slice(0, dot), group: text.slice(dot + 1) };
}

export const nameOf = ({ group, resource }: GroupResource) => `${resource}.${group}`;

/** Of which kind the objects below a place are (`/registry/services/specs/`); undefined: of none that anybody could name. */
export type ResourceOfPlace = (place: string) => GroupResource | undefined;

/** Which transformer is for which key: that of its resource, else of its group, else of everything, else none. */
export class EncryptionRules {
  readonly #rules: ReadonlyMap<string, ValueTransformer>;
  readonly #resourceOf: ResourceOfPlace;
  /** By what the keys of a kind begin with. */
  readonly #known = new Map<string, ValueTransformer | undefined>();

  /** @param rules by `nameOf` their resource */
  constructor(rules: ReadonlyMap<string, ValueTransformer>, resourceOf: ResourceOfPlace) {
    this.#rules = rules;
    this.#resourceOf = resourceOf;
  }

  /** Undefined: values are stored as they are. */
  of(key: string): ValueTransformer | undefined {
    const place = kindPlace(key);
    if (this.#known.has(place)) return this.#known.get(place);
    const resource = this.#resourceOf(place);
    const found = resource && this.#find(resource);
    // Kinds come and go, but not without end.
    if (this.#known.size < 10_000) this.#known.set(place, found);
    return found;
  }

  /** What reads a key for which there is no rule: values as they are, and nothing that was encrypted. */
  readerOf(key: string): ValueTransformer {
    return this.of(key) ?? identity;
  }

  #find({ group, resource }: GroupResource): ValueTransformer | undefined {
    return (
      this.#rules.get(nameOf({ group, resource })) ??
      this.#rules.get(nameOf({ group, resource: '*' })) ??
      this.#rules.get('*.*')
    );
  }
}

/** Built-in kinds whose place has two parts, like those of every kind that has a group with a dot in its place. */
const twofold: ReadonlySet<string> = new Set(['services', 'ranges']);

/** What the keys of a kind begin with: `/registry/pods/`, `/registry/example.com/websites/`. */
export function kindPlace(key: string): string {
  const begin = key.indexOf('/', 1) + 1;
  const first = key.indexOf('/', begin);
  if (first < 0) return key;
  const name = key.slice(begin, first);
  if (!name.includes('.') && !twofold.has(name)) return key.slice(0, first + 1);
  const second = key.indexOf('/', first + 1);
  return second < 0 ? `${key}/` : key.slice(0, second + 1);
}
