import { z } from 'zod';
import { jsonValue } from './adapters/index.ts';
import { EntryMap } from './library/entry-map.ts';
import { parseDuration, parseTimestamp } from './standard/times.ts';
import * as types from './standard-types.ts';
import type { CelType } from './type.ts';
import { CelArray, CelMap, CelUint, type CelValue } from './value.ts';

/** One case of the specification's suite, as its package holds it (proto JSON). */
export const testSchema = z.object({
  original: z.object({
    name: z.string().optional(),
    expr: z.string(),
    value: z.record(z.string(), z.unknown()).optional(),
    typedResult: z
      .object({ result: z.record(z.string(), z.unknown()).optional(), deducedType: z.unknown() })
      .optional(),
    evalError: z.unknown().optional(),
    typeEnv: z.array(z.object({ name: z.string() }).catchall(z.unknown())).optional(),
    bindings: z.record(z.string(), z.object({ value: z.record(z.string(), z.unknown()).optional() })).optional(),
    container: z.string().optional(),
    disableCheck: z.boolean().optional(),
    disableMacros: z.boolean().optional(),
    checkOnly: z.boolean().optional(),
  }),
  ast: z.string().optional(),
  checkedAst: z.string().optional(),
  type: z.string().optional(),
  error: z.string().optional(),
});
export type VectorTest = z.infer<typeof testSchema>;

interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly VectorTest[];
}
export const suiteSchema: z.ZodType<Suite> = z.lazy(() =>
  z.object({ name: z.string(), suites: z.array(suiteSchema).optional(), tests: z.array(testSchema).optional() }),
);

export interface NamedTest {
  readonly name: string;
  readonly suite: string;
  readonly test: VectorTest;
}

/** All cases below a suite, with their path as the name. */
export function allTests(suite: Suite, above = ''): readonly NamedTest[] {
  const name = above === '' ? suite.name : `${above}/${suite.name}`;
  const own = (suite.tests ?? []).map((test) => ({
    name: `${name}/${test.original.name ?? test.original.expr}`,
    suite: name,
    test,
  }));
  return [...own, ...(suite.suites ?? []).flatMap((each) => allTests(each, name))];
}

const record = z.record(z.string(), z.unknown());
const text = z.coerce.string();
const typeNames: Readonly<Record<string, CelType>> = Object.fromEntries(
  [
    types.boolType,
    types.intType,
    types.uintType,
    types.doubleType,
    types.stringType,
    types.bytesType,
    types.nullType,
    types.durationType,
    types.timestampType,
    types.typeType(),
    types.listType(types.dynType),
    types.mapType(types.dynType, types.dynType),
    types.optionalType(types.dynType),
  ].map((each) => [each.name, each]),
);

/** A value of the suite; undefined where it is a message that Kubernetes' CEL does not know. */
export function suiteValue(value: unknown): CelValue | undefined {
  const [[kind, content] = ['', undefined]] = Object.entries(record.parse(value));
  switch (kind) {
    case 'nullValue':
      return null;
    case 'boolValue':
      return content === true;
    case 'int64Value':
      return BigInt(text.parse(content));
    case 'uint64Value':
      return new CelUint(BigInt(text.parse(content)));
    case 'doubleValue':
      return Number(content);
    case 'stringValue':
      return text.parse(content);
    case 'bytesValue':
      return Uint8Array.from(Buffer.from(text.parse(content), 'base64'));
    case 'typeValue':
      return typeNames[text.parse(content)];
    case 'listValue':
      return listOf(z.object({ values: z.array(z.unknown()).optional() }).parse(content).values ?? []);
    case 'mapValue':
      return mapOf(content);
    case 'objectValue':
      return message(record.parse(content));
    default:
      return undefined;
  }
}

function listOf(values: readonly unknown[]): CelValue | undefined {
  const items = values.map(suiteValue);
  return items.includes(undefined)
    ? undefined
    : new CelArray(items.flatMap((each) => (each === undefined ? [] : [each])));
}

const entrySchema = z.object({ entries: z.array(z.object({ key: z.unknown(), value: z.unknown() })).optional() });

function mapOf(content: unknown): CelMap | undefined {
  const entries = (entrySchema.parse(content).entries ?? []).map(
    ({ key, value }) => [suiteValue(key), suiteValue(value)] as const,
  );
  const known = entries.flatMap(([key, value]) =>
    key === undefined || value === undefined ? [] : [[key, value] as const],
  );
  return known.length === entries.length ? EntryMap.of(known) : undefined;
}

function message(content: Readonly<Record<string, unknown>>): CelValue | undefined {
  const { '@type': url, value } = content;
  switch (text.parse(url).replace('type.googleapis.com/google.protobuf.', '')) {
    case 'Timestamp':
      return parseTimestamp(text.parse(value));
    case 'Duration':
      return parseDuration(text.parse(value));
    case 'Struct':
    case 'Value':
    case 'ListValue':
      return doubles(jsonValue(value));
    default:
      return undefined;
  }
}

/** Numbers of JSON are doubles in these messages. */
function doubles(value: CelValue): CelValue {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelMap)
    return EntryMap.of([...value.keys()].map((key) => [key, doubles(value.get(key) ?? null)]));
  return value;
}

const primitives: Readonly<Record<string, CelType>> = {
  BOOL: types.boolType,
  INT64: types.intType,
  UINT64: types.uintType,
  DOUBLE: types.doubleType,
  STRING: types.stringType,
  BYTES: types.bytesType,
};
const wellKnown: Readonly<Record<string, CelType>> = {
  TIMESTAMP: types.timestampType,
  DURATION: types.durationType,
  ANY: types.anyType,
};
const messages: Readonly<Record<string, CelType>> = {
  'google.protobuf.Timestamp': types.timestampType,
  'google.protobuf.Duration': types.durationType,
};

/** A type of the suite; undefined where it is of a message. */
export function suiteType(type: unknown): CelType | undefined {
  const [[kind, content] = ['', undefined]] = Object.entries(record.parse(type));
  const parts = z.record(z.string(), z.unknown()).safeParse(content).data ?? {};
  switch (kind) {
    case 'primitive':
      return primitives[text.parse(content)];
    case 'wrapper': {
      const of = primitives[text.parse(content)];
      return of && types.wrapperType(of);
    }
    case 'wellKnown':
      return wellKnown[text.parse(content)];
    case 'null':
      return types.nullType;
    case 'dyn':
      return types.dynType;
    case 'type': {
      const of = suiteType(content);
      return of && types.typeType(of);
    }
    case 'typeParam':
      return types.paramType(text.parse(content));
    case 'messageType':
      return messages[text.parse(content)];
    case 'listType': {
      const of = suiteType(parts['elemType'] ?? { dyn: {} });
      return of && types.listType(of);
    }
    case 'mapType': {
      const key = suiteType(parts['keyType'] ?? { dyn: {} });
      const value = suiteType(parts['valueType'] ?? { dyn: {} });
      return key && value && types.mapType(key, value);
    }
    case 'abstractType':
      return abstractType(parts);
    default:
      return undefined;
  }
}

function abstractType({ name, parameterTypes }: Readonly<Record<string, unknown>>): CelType | undefined {
  const parameters = z
    .array(z.unknown())
    .parse(parameterTypes ?? [])
    .map(suiteType);
  if (parameters.includes(undefined)) return undefined;
  return types.opaqueType(
    text.parse(name),
    parameters.flatMap((each) => (each ? [each] : [])),
  );
}
