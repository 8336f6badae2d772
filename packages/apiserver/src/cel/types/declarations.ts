import type { CelConstant, CelFunction, CelLibrary, CelOverload } from '../contract.ts';
import { wellKnownStruct } from '../standard/well-known-types.ts';
import { typeType } from '../standard-types.ts';
import type { Macro } from '../syntax/macro.ts';
import type { CelType } from '../type.ts';
import type { CelValue } from '../value.ts';
import type { CelStruct } from './struct.ts';

/** Finds a type by its full name, for types that are too many to be listed. */
export type ResolveStruct = (name: string) => CelStruct | undefined;

export interface DeclarationOptions {
  readonly libraries: readonly CelLibrary[];
  readonly variables?: Readonly<Record<string, CelType>>;
  readonly resolveStruct?: ResolveStruct;
  /** Names are looked for in it first: `a.b` lets `x` be `a.b.x`, `a.x` or `x`. */
  readonly container?: string;
}

/** What a name stands for. */
export type Declared =
  | { readonly kind: 'variable'; readonly name: string; readonly type: CelType }
  | { readonly kind: 'constant'; readonly type: CelType; readonly value: CelValue };

/** Everything that expressions of one environment may name. */
export class Declarations {
  readonly container: string;
  readonly macros: readonly Macro[];
  readonly #names = new Map<string, Declared>();
  readonly #functions = new Map<string, CelOverload[]>();
  readonly #resolveStruct: ResolveStruct;

  constructor({ libraries, variables = {}, resolveStruct = () => undefined, container = '' }: DeclarationOptions) {
    this.container = container;
    this.#resolveStruct = resolveStruct;
    this.macros = libraries.flatMap((each) => each.macros ?? []);
    for (const library of libraries) {
      for (const type of library.types ?? []) this.#constant({ name: type.name, type: typeType(type), value: type });
      for (const constant of library.constants ?? []) this.#constant(constant);
      for (const each of library.functions ?? []) this.#function(each);
    }
    for (const [name, type] of Object.entries(variables)) this.#names.set(name, { kind: 'variable', name, type });
  }

  #constant({ name, type, value }: CelConstant): void {
    this.#names.set(name, { kind: 'constant', type, value });
  }

  #function({ name, overloads }: CelFunction): void {
    const known = this.#functions.get(name) ?? [];
    const own = overloads.filter(({ id }) => !known.some((each) => each.id === id));
    this.#functions.set(name, [...known, ...own]);
  }

  /** The full names that a name may stand for, in the order in which they are tried. */
  candidates(name: string): readonly string[] {
    if (name.startsWith('.')) return [name.slice(1)];
    if (this.container === '') return [name];
    const parts = this.container.split('.');
    return [...parts.map((_, index) => `${parts.slice(0, parts.length - index).join('.')}.${name}`), name];
  }

  name(name: string): Declared | undefined {
    for (const candidate of this.candidates(name)) {
      const declared = this.#names.get(candidate);
      if (declared) return declared;
      const struct = this.#resolveStruct(candidate);
      if (struct) return { kind: 'constant', type: typeType(struct.type), value: struct.type };
    }
    return undefined;
  }

  function(name: string): { readonly name: string; readonly overloads: readonly CelOverload[] } | undefined {
    for (const candidate of this.candidates(name)) {
      const overloads = this.#functions.get(candidate);
      if (overloads) return { name: candidate, overloads };
    }
    return undefined;
  }

  struct(name: string): CelStruct | undefined {
    for (const candidate of this.candidates(name)) {
      const struct = this.#resolveStruct(candidate) ?? wellKnownStruct(candidate);
      if (struct) return struct;
    }
    return undefined;
  }
}
