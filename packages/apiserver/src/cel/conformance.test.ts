import { tests as vectors } from '@bufbuild/cel-spec/testdata/conformance.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allTests, type NamedTest, suiteSchema, suiteType, suiteValue } from './conformance.test-data.ts';
import type { CelFunction, CelLibrary } from './contract.ts';
import { memberOverload, overload } from './contract.ts';
import { CelEnvironment } from './environment.ts';
import { isEqual } from './library/equality.ts';
import { kubernetesLibraries } from './library/kubernetes-libraries.ts';
import { standardLibrary } from './standard/standard-library.ts';
import type { CelType } from './type.ts';

/** What of the suite does not run, because Kubernetes' CEL does not have it. */
const without: readonly (readonly [RegExp, string])[] = [
  [/^conformance\/bindings_ext\//, 'cel.bind is undeclared in Kubernetes'],
  [/^conformance\/block_ext\//, 'cel.block is undeclared in Kubernetes'],
  [/^conformance\/encoders_ext\//, 'base64.encode and decode are undeclared in Kubernetes'],
  [/^conformance\/math_ext\//, 'math.* is undeclared in Kubernetes'],
  [/^conformance\/enums\//, 'enums of protocol buffers'],
  [/^conformance\/(proto2|proto2_ext|proto3)\//, 'messages of protocol buffers'],
  [/quoted_map_fields/, 'names in backticks are refused in Kubernetes'],
  [/^conformance\/dynamic\/.*\/var$/, 'variables of message types'],
];
/** What a v1.35 server answers otherwise than the specification; each was asked. */
const otherwise: readonly RegExp[] = [
  /fields\/qualified_identifier_resolution\/map_value_repeat_key(_heterogeneous)?:/,
  /optionals\/(map_null_entry_no_such_key|map_present_key_invalid_field):/,
  /string_ext\/format\/(scientific notation|default precision for scientific|NaN support|(positive|negative) infinity support)/,
  /string_ext\/format\/(list support for string|map support|dyntype)/,
  /string_ext\/value_errors\/(indexof|lastindexof)_out_of_range:/,
  /timestamps\/duration_converters\/get_milliseconds:/,
];
const messages = /TestAllTypes|TestRequired|GlobalEnum|NestedEnum|protobuf\.(Any|FieldMask|Empty)|conformance\.proto/;

const libraries: readonly CelLibrary[] = [standardLibrary, ...kubernetesLibraries()];

const functionSchema = z.object({
  overloads: z.array(
    z.object({
      overloadId: z.string(),
      params: z.array(z.unknown()).optional(),
      resultType: z.unknown(),
      isInstanceFunction: z.boolean().optional(),
    }),
  ),
});

function declare({ test: { original } }: NamedTest): CelEnvironment | undefined {
  const variables: Record<string, CelType> = {};
  const functions: CelFunction[] = [];
  for (const { name, ident, function: signature } of original.typeEnv ?? []) {
    if (ident !== undefined) {
      const type = suiteType(z.object({ type: z.unknown() }).parse(ident).type);
      if (!type) return undefined;
      variables[name] = type;
    } else {
      const overloads = functionSchema.parse(signature).overloads.flatMap((each) => {
        const args = (each.params ?? []).map(suiteType);
        const result = suiteType(each.resultType);
        if (!result || args.includes(undefined)) return [];
        const known = args.flatMap((arg) => (arg ? [arg] : []));
        const make = each.isInstanceFunction ? memberOverload : overload;
        return [make({ id: each.overloadId, args: known, result, implementation: () => null })];
      });
      functions.push({ name, overloads });
    }
  }
  return new CelEnvironment({
    libraries: [...libraries, { name: 'test', functions }],
    variables,
    container: original.container,
    checkLiterals: false,
  });
}

/** What is wrong with an answer; undefined where nothing is. */
function problemOf(named: NamedTest, environment: CelEnvironment): string | undefined {
  const { original, type } = named.test;
  const compiled = environment.compile(original.expr);
  const fails = original.evalError !== undefined;
  if (compiled.failure) return fails ? undefined : compiled.message;
  const deduced = original.typedResult?.deducedType;
  if (deduced !== undefined) {
    const wanted = suiteType(deduced);
    if (wanted && wanted.toString() !== compiled.type.toString()) return `type ${compiled.type}, wanted ${wanted}`;
  } else if (type !== undefined && !original.disableCheck && type !== compiled.type.toString()) {
    return `type ${compiled.type}, wanted ${type}`;
  }
  if (original.checkOnly) return undefined;
  const bindings = Object.entries(original.bindings ?? {}).map(
    ([name, { value }]) => [name, suiteValue(value)] as const,
  );
  const activation = Object.fromEntries(
    bindings.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const result = compiled.program.evaluate(activation);
  if (result.error !== undefined) return fails ? undefined : result.error;
  if (fails) return `no error, but ${String(result.value)}`;
  const wanted = suiteValue(original.value ?? original.typedResult?.result ?? { boolValue: true });
  const isNan = Number.isNaN(wanted) && Number.isNaN(result.value);
  return isNan || (wanted !== undefined && isEqual(wanted, result.value)) ? undefined : `gave ${String(result.value)}`;
}

describe('the specification of CEL', () => {
  it('is kept, but for what Kubernetes does otherwise', () => {
    let passed = 0;
    const skipped = new Map<string, number>();
    const skip = (why: string) => void skipped.set(why, (skipped.get(why) ?? 0) + 1);
    const wrong: string[] = [];
    for (const named of allTests(suiteSchema.parse(vectors))) {
      const { original } = named.test;
      const reason = without.find(([pattern]) => pattern.test(named.name))?.[1];
      if (reason !== undefined) skip(reason);
      else if (messages.test(JSON.stringify(original))) skip('messages of protocol buffers');
      else if (original.disableCheck) skip('evaluation without a check of types');
      else if (original.disableMacros) skip('macros as functions');
      else {
        const environment = declare(named);
        const problem = environment ? problemOf(named, environment) : 'cannot be declared';
        if (problem === undefined) passed += 1;
        else wrong.push(`${named.name}: ${original.expr}: ${problem}`);
      }
    }
    const unexplained = wrong.filter((each) => !otherwise.some((pattern) => pattern.test(each)));
    expect(unexplained).toEqual([]);
    expect({ passed, otherwise: wrong.length, skipped: Object.fromEntries(skipped) }).toMatchInlineSnapshot(`
      {
        "otherwise": 25,
        "passed": 1348,
        "skipped": {
          "base64.encode and decode are undeclared in Kubernetes": 4,
          "cel.bind is undeclared in Kubernetes": 5,
          "cel.block is undeclared in Kubernetes": 37,
          "enums of protocol buffers": 85,
          "evaluation without a check of types": 121,
          "math.* is undeclared in Kubernetes": 199,
          "messages of protocol buffers": 496,
          "names in backticks are refused in Kubernetes": 6,
          "variables of message types": 18,
        },
      }
    `);
  });
});
