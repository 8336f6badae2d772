import fc, { type Arbitrary } from 'fast-check';
import { type FuzzRequest, wire } from '../request.ts';
import { jsonText, mutate, mutation } from './json.ts';
import { key, of, text, whole } from './texts.ts';

/** A schema of a custom resource, sensible or not, as JSON text. */
const schema: Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    {
      weight: 3,
      arbitrary: of(
        '{"type":"object","x-kubernetes-preserve-unknown-fields":true}',
        '{"type":"string"}',
        '{"type":"integer"}',
        '{"type":"number"}',
        '{"type":"boolean"}',
        '{"x-kubernetes-int-or-string":true}',
        '{}',
        '{"type":"null"}',
        '{"type":"x"}',
        '{"type":["a"]}',
        '{"$ref":"#/x"}',
      ),
    },
    {
      weight: 3,
      arbitrary: fc
        .array(fc.tuple(key, tie('node')), { maxLength: 4 })
        .map(
          (all) =>
            `{"type":"object","properties":{${all.map(([name, each]) => `${JSON.stringify(name)}:${each}`).join(',')}}}`,
        ),
    },
    { weight: 1, arbitrary: tie('node').map((each) => `{"type":"array","items":${each}}`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('node'), of('map', 'set', 'atomic', 'x'), key)
        .map(
          ([each, type, name]) =>
            `{"type":"array","items":${each},"x-kubernetes-list-type":"${type}","x-kubernetes-list-map-keys":[${JSON.stringify(name)}]}`,
        ),
    },
    { weight: 1, arbitrary: tie('node').map((each) => `{"type":"object","additionalProperties":${each}}`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          of(
            'pattern',
            'format',
            'enum',
            'default',
            'maxLength',
            'minimum',
            'maximum',
            'multipleOf',
            'maxItems',
            'required',
            'nullable',
            'not',
            'allOf',
            'anyOf',
            'oneOf',
            'example',
            'x-kubernetes-validations',
            'x-kubernetes-embedded-resource',
            'x-kubernetes-map-type',
            'uniqueItems',
          ),
          fc.oneof(
            of(
              '"^(a+)+$"',
              '"["',
              '"date-time"',
              '0',
              '-1',
              '1e400',
              '[]',
              '{}',
              '[{}]',
              'true',
              '[{"rule":"self.a == 1"}]',
              '[{"rule":"("}]',
              '"(?<a>x)"',
            ),
            jsonText,
          ),
          of('string', 'object', 'integer', 'array', 'number'),
        )
        .map(([name, value, type]) => `{"type":"${type}","${name}":${value}}`),
    },
    {
      weight: 1,
      arbitrary: of(100, 2000).map(
        (depth) => `${'{"type":"object","properties":{"a":'.repeat(depth)}{"type":"string"}${'}}'.repeat(depth)}`,
      ),
    },
  ),
})).node;

const names = { group: '{{id}}.example.com', plural: 'things', singular: 'thing', kind: 'Thing' };

function definition(schemas: string, scope: string, more: string): string {
  return `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.{{id}}.example.com"},"spec":{"group":"${names.group}","scope":"${scope}","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":${schemas}}${more}}]}}`;
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const json = [['content-type', 'application/json']] as const;
const more = of(
  '',
  ',"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}}',
  ',"subresources":{"status":{},"scale":{"specReplicasPath":".spec[0]","statusReplicasPath":"x"}}',
  ',"additionalPrinterColumns":[{"name":"a","type":"string","jsonPath":".spec.a"}]',
  ',"additionalPrinterColumns":[{"name":"a","type":"date","jsonPath":".metadata.creationTimestamp"},{"name":"b","type":"integer","jsonPath":".spec.items[*].a"}]',
  ',"additionalPrinterColumns":[{"name":"a","type":"string","jsonPath":".spec[?(@.a==1)]"}]',
  ',"additionalPrinterColumns":[{"name":"a","type":"string","jsonPath":"}{.__proto__"}]',
  ',"selectableFields":[{"jsonPath":".spec.a"}]',
  ',"deprecated":true,"deprecationWarning":"x"',
);

/** A definition with an odd schema and, where it is taken, objects of it. */
export const customCase: Arbitrary<readonly FuzzRequest[]> = fc
  .record({
    schema: fc.oneof(
      {
        weight: 3,
        arbitrary: schema.map(
          (each) =>
            `{"type":"object","properties":{"spec":${each},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}`,
        ),
      },
      { weight: 1, arbitrary: schema },
      { weight: 1, arbitrary: jsonText },
    ),
    scope: of('Namespaced', 'Cluster'),
    more,
    spec: fc.array(jsonText, { minLength: 1, maxLength: 2 }),
    change: fc.array(mutation, { maxLength: 2 }),
    method: of('PUT', 'PATCH', 'GET', 'DELETE', 'HEAD', 'POST'),
    type: of(
      'application/merge-patch+json',
      'application/json-patch+json',
      'application/apply-patch+yaml',
      'application/json',
      'application/vnd.kubernetes.protobuf',
    ),
    accept: of(
      'application/json',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    ),
    part: fc.oneof(
      of('', '/status', '/scale'),
      text.map((each) => `/${encodeURIComponent(whole(each))}`),
    ),
    query: of(
      '',
      '?fieldValidation=Strict',
      '?dryRun=All',
      '?fieldManager=a',
      '?fieldManager=a&force=true',
      '?watch=1',
      '?fieldSelector=spec.a%3D1',
    ),
  })
  .map(({ schema: schemas, scope, more: extra, spec, change, method, type, accept, part, query }) => {
    const collection = `/apis/${names.group}/v1${scope === 'Namespaced' ? '/namespaces/{{ns}}' : ''}/things`;
    const [first = '{}', second = '{}'] = spec;
    const object = (value: string) =>
      `{"apiVersion":"${names.group}/v1","kind":"Thing","metadata":{"name":"{{id}}-a"},"spec":${value}}`;
    const changed = mutate(
      { apiVersion: `${names.group}/v1`, kind: 'Thing', metadata: { name: '{{id}}-a' }, spec: { a: 1 }, status: {} },
      change,
    );
    const request = (
      method_: string,
      target: string,
      body?: string,
      headers: FuzzRequest['headers'] = json,
    ): FuzzRequest => ({
      method: method_,
      target,
      headers,
      framing: 'length',
      ...(body !== undefined && { body: wire(body) }),
    });
    const writes = method === 'PUT' || method === 'PATCH' || method === 'POST';
    return [
      request('POST', definitions, definition(schemas, scope, extra)),
      request('POST', collection, object(first)),
      request('POST', `${collection}?fieldValidation=Strict`, object(second)),
      request(method, `${collection}/{{id}}-a${part}${query}`, writes ? changed : undefined, [
        ['content-type', type],
        ['accept', accept],
      ]),
      request('GET', `${collection}${query}`, undefined, [['accept', accept]]),
    ];
  });
