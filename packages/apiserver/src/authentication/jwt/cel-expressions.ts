import {
  anyType,
  boolType,
  CelArray,
  CelEnvironment,
  CelList,
  CelMap,
  CelObject,
  type CelType,
  type CelValue,
  fieldsOf,
  listType,
  mapType,
  objectType,
  standardLibrary,
  stringType,
} from '../../cel/index.ts';
import { kubernetesLibraries } from '../../cel/library/index.ts';
import type { ExpressionCompiler } from './contract.ts';

/** What one evaluation may cost, as by Kubernetes (`PerCallLimit`). */
const costLimit = 1_000_000;
const strings = listType(stringType);
const userType: CelType = objectType(
  'kubernetes.UserInfo',
  fieldsOf({ username: stringType, uid: stringType, groups: strings, extra: mapType(stringType, strings) }),
);

const libraries = [standardLibrary, ...kubernetesLibraries()];
const environments = {
  claims: new CelEnvironment({ libraries, variables: { claims: mapType(stringType, anyType) }, cacheSize: 0 }),
  user: new CelEnvironment({ libraries, variables: { user: userType }, cacheSize: 0 }),
};

/** The expressions of an AuthenticationConfiguration in CEL. */
export const celExpressions: ExpressionCompiler = {
  compile(expression, variable, result) {
    const compiled = environments[variable].compile(expression);
    if (compiled.failure) throw new Error(`compilation failed: ${compiled.message}`);
    if (result === 'bool' && compiled.type !== boolType) throw new Error('must evaluate to bool');
    return (variables) => {
      const value = variable === 'user' ? new UserValue(variables['user']) : celOf(variables['claims']);
      const outcome = compiled.program.evaluate({ [variable]: value }, { costLimit });
      if (outcome.error !== undefined) throw new Error(outcome.error);
      return plain(outcome.value);
    };
  },
};

/** Numbers of a token are doubles, as Kubernetes reads them. */
function celOf(value: unknown): CelValue {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (Array.isArray(value)) return new CelArray(value.map(celOf));
  return typeof value === 'object' && value !== null ? new ClaimMap(value) : null;
}

class ClaimMap extends CelMap {
  readonly #entries: ReadonlyMap<string, unknown>;

  constructor(object: object) {
    super();
    this.#entries = new Map(Object.entries(object).filter(([, value]) => value !== undefined));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' && this.#entries.has(key) ? celOf(this.#entries.get(key)) : undefined;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }
}

class UserValue extends CelObject {
  readonly type = userType;
  readonly #fields: ClaimMap;

  constructor(user: unknown) {
    super();
    this.#fields = new ClaimMap(typeof user === 'object' && user !== null ? user : {});
  }

  override get(field: string): CelValue | undefined {
    return this.#fields.get(field);
  }

  equals(other: CelValue): boolean {
    return other === this;
  }
}

/** What an expression gives, as far as somebody wants it: text, truth, nothing, and lists of them. */
function plain(value: CelValue): unknown {
  return value instanceof CelList ? Array.from(value, plain) : value;
}
