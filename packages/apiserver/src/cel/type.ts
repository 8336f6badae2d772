/** What kind of type it is. `opaque` is an abstract type of a library (`optional_type` too), `object` one with fields. */
export type CelKind =
  | 'any'
  | 'bool'
  | 'bytes'
  | 'double'
  | 'duration'
  | 'dyn'
  | 'error'
  | 'int'
  | 'list'
  | 'map'
  | 'null'
  | 'object'
  | 'opaque'
  | 'param'
  | 'string'
  | 'timestamp'
  | 'type'
  | 'uint'
  | 'wrapper';

/** The fields of an object type. Asked lazily, so that a type may hold itself. */
export interface CelFields {
  /** Undefined where there is no such field. The name is CEL's (`__dash__` and the like are already escaped). */
  type(name: string): CelType | undefined;
  names(): Iterable<string>;
}

/**
 * A type of CEL (cel-spec, "Type System"), and at the same time the value that `type(x)` gives.
 * `V` is the JavaScript shape of its values: an implementation of a function is typed by it.
 */
export class CelType<out V = unknown> {
  readonly kind: CelKind;
  /** As CEL writes it without parameters: `int`, `list`, `google.protobuf.Timestamp`, `kubernetes.Quantity`. */
  readonly name: string;
  readonly parameters: readonly CelType[];
  readonly fields: CelFields | undefined;
  /** Never there at run time. */
  declare readonly shape?: V;
  #text: string | undefined;

  constructor(kind: CelKind, name: string, parameters: readonly CelType[] = [], fields?: CelFields) {
    this.kind = kind;
    this.name = name;
    this.parameters = parameters;
    this.fields = fields;
  }

  /** As error messages name it: `list(map(string, int))`, `wrapper(int)`, `timestamp`, `null`. */
  toString(): string {
    this.#text ??= this.#format();
    return this.#text;
  }

  /** As it is named where another type was wanted: `list(google.protobuf.Timestamp)`, `null_type`. */
  get fullName(): string {
    if (this.kind === 'error') return '!error!';
    if (this.parameters.length === 0) return this.name;
    return `${this.name}(${this.parameters.map((each) => each.fullName).join(', ')})`;
  }

  #format(): string {
    if (this.kind === 'duration' || this.kind === 'timestamp' || this.kind === 'any') return this.kind;
    if (this.kind === 'null') return 'null';
    if (this.kind === 'error') return '!error!';
    if (this.parameters.length === 0) return this.name;
    return `${this.name}(${this.parameters.join(', ')})`;
  }
}

/** The JavaScript shape of a type's values. */
export type ShapeOf<T> = T extends CelType<infer V> ? V : never;

/** The JavaScript shapes of a list of types, in order. */
export type ShapesOf<T extends readonly CelType[]> = { -readonly [K in keyof T]: ShapeOf<T[K]> };
