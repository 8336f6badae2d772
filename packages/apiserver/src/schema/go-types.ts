import { goTypesJson } from './generated/go-types.ts';

/** A field of a struct, as Kubernetes' Go code declares it: what it is called in errors and when it is left out. */
export interface GoField {
  readonly name: string;
  /** Where errors say that it stands: its own name, after those of the structs that are embedded around it. */
  readonly path: string;
  readonly type: GoType;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
}

export interface GoType {
  /** As Go's errors name it, such as `[]v1.Container` or `v1.PullPolicy`. */
  readonly name: string;
  readonly pointer: boolean;
  /** What a list or a map is made of. */
  readonly element?: GoType;
  readonly shape: 'list' | 'map' | 'bytes' | 'other';
  /** Amounts of resources are kept as fine as they are given. */
  readonly fine?: boolean;
}

let table: Readonly<Record<string, string>> | undefined;

/** The fields of a definition in their order; undefined for a type that is not a plain struct. */
export function goFields(definition: string): readonly GoField[] | undefined {
  table ??= JSON.parse(goTypesJson) as Readonly<Record<string, string>>;
  const text = table[definition];
  if (text === undefined) return undefined;
  return text === '' ? [] : text.split('; ').map(fieldOf);
}

function fieldOf(text: string): GoField {
  const [place = '', type = '', ...flags] = text.split(' ');
  return {
    name: place.slice(place.lastIndexOf('/') + 1),
    path: place.replaceAll('/', '.'),
    type: parseGoType(type),
    omitEmpty: flags.includes('omitempty'),
    omitZero: flags.includes('omitzero'),
  };
}

const prefix = /^(?:\[\]|map\[[^\]]*\])/;

/** Reads `[]v1.Capability=string`: the type, and after `=` what its name stands for where that is no struct. */
export function parseGoType(text: string): GoType {
  const [whole = '', underlying] = text.split('=');
  const pointer = whole.startsWith('*');
  const name = pointer ? whole.slice(1) : whole;
  if (name === '[]uint8') return { name, pointer, shape: 'bytes' };
  const suffix = underlying === undefined ? '' : `=${underlying}`;
  const own = prefix.exec(name)?.[0];
  if (own !== undefined)
    return { name, pointer, shape: shapeOf(own), element: parseGoType(name.slice(own.length) + suffix) };
  const below = underlying === undefined ? undefined : prefix.exec(underlying)?.[0];
  if (underlying === undefined || below === undefined) return { name, pointer, shape: 'other' };
  return { name, pointer, shape: shapeOf(below), element: parseGoType(underlying.slice(below.length)) };
}

const shapeOf = (own: string) => (own === '[]' ? 'list' : 'map');
