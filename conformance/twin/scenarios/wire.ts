import { stringify } from 'yaml';
import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { collection } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

/** The JSON of an object with something said twice, unknown, or both. */
function spoiled(text: string, rng: Rng): string {
  return rng.pick<() => string>([
    () => text,
    () => text.replace('{', '{"unknownField":1,'),
    () => text.replace('"metadata":{', '"metadata":{"unknown":{"a":1},'),
    () => text.replace('"metadata":{', '"metadata":{"labels":{"a":"b"},'),
    () => text.replace('{', '{"kind":"Twice",'),
    () => text.replace('{', '{"apiVersion":"v1","unknown1":1,"unknown1":2,'),
    () => text.replace('"spec":{', '"spec":{"unknown2":[],'),
    () => text.replace('"twin":', '"twin":"x","twin":'),
    () => text.replace(/"kind":"[^"]*",/, ''),
    () => text.replace(/"apiVersion":"[^"]*",/, ''),
    () => text.replace(/"apiVersion":"[^"]*"/, '"apiVersion":"example.com/v9"'),
    () => text.replace(/"kind":"[^"]*"/, '"kind":"Other"'),
    () => text.replace('"metadata"', '"Metadata"'),
    () => text.replace('"labels"', '"LABELS"'),
    () => text.slice(0, -2),
    () => `${text}x`,
    () => `${text}${text}`,
    () => text.replace(/"name":"[^"]*"/, '"name":5'),
    () => '',
    () => 'null',
    () => '[]',
    () => '5',
    () => '"x"',
    () => '{}',
    () => '{"metadata":',
    () => '\u0000',
    () => '{"a":\u0001}',
    () => `{"kind":"List","apiVersion":"v1","items":[${text}]}`,
  ])();
}

/** Bodies as they may come over the wire: JSON and YAML, spoiled, under every fieldValidation. */
export const bodies: Scenario = (kind, rng) => {
  const object = objectOf(kind);
  if (!object || !kind.verbs.includes('create')) return undefined;
  const text = JSON.stringify(object);
  const steps: Step[] = [];
  for (let i = 0; i < 5; i++) {
    const yaml = rng.bool(0.3);
    const spoiledText = spoiled(text, rng);
    let body = spoiledText;
    if (yaml) {
      const plain = stringify(object);
      body = rng.pick([
        plain,
        plain.replace('metadata:', 'unknownField: 1\nmetadata:'),
        plain.replace('labels:', 'labels:\n    a: b\n    a: c'),
        `${plain}kind: Twice\n`,
        `---\n${plain}`,
        `${plain}---\n${plain}`,
        'a: b: c',
        '- a',
        '\tx: y',
        'x: &a [*a]',
        `${plain}zzz: !!binary aGk=\n`,
        `${plain}yes: no\n`,
        spoiledText,
      ]);
    }
    const contentType = yaml
      ? 'application/yaml'
      : rng.pick([
          'application/json',
          'application/json',
          'application/json',
          'application/json; charset=utf-8',
          'text/plain',
          'application/xml',
          '',
          'application/vnd.kubernetes.protobuf',
          'application/cbor',
          'application/x-www-form-urlencoded',
          'json',
          'application/json;a',
        ]);
    const query: Record<string, string> = {
      dryRun: 'All',
      ...(rng.bool(0.7) && { fieldValidation: rng.pick(['Strict', 'Warn', 'Ignore', 'strict', '']) }),
      ...(rng.bool(0.2) && { fieldManager: rng.pick(['m', '', 'x'.repeat(129), 'a\u0000b', 'a b']) }),
      ...(rng.bool(0.1) && { dryRun: rng.pick(['Some', '', 'all']) }),
      ...(rng.bool(0.1) && { pretty: rng.pick(['true', 'false', 'x']) }),
    };
    const update = rng.bool(0.3) && kind.verbs.includes('update');
    if (update && i === 0) steps.push(post(kind, object));
    steps.push({
      method: update ? 'PUT' : 'POST',
      path: update ? itemPath(kind) : collection(kind),
      query,
      headers: { 'content-type': contentType },
      text: body,
    });
  }
  return steps;
};

/** Methods and paths that are none. */
export const paths: Scenario = (kind, rng) => {
  const object = objectOf(kind);
  const root = collection(kind);
  const item = itemPath(kind);
  const choices: Step[] = [
    { method: 'PUT', path: root, json: object ?? {} },
    { method: 'PATCH', path: root, json: {} },
    { method: 'POST', path: item, json: object ?? {} },
    { method: 'GET', path: `${item}/nothing` },
    { method: 'GET', path: `${item}/status` },
    { method: 'GET', path: `${item}/scale` },
    { method: 'POST', path: `${item}/status`, json: {} },
    { method: 'DELETE', path: `${item}/status` },
    { method: 'GET', path: `${root}/` },
    { method: 'GET', path: `${item}/` },
    { method: 'GET', path: root.replace(kind.resource, kind.kind) },
    { method: 'GET', path: root.replace(kind.resource, `${kind.resource}x`) },
    { method: 'GET', path: root.replace(kind.version, 'v9') },
    {
      method: 'GET',
      path: root.replace('/namespaces/{{ns}}', '') + (kind.namespaced ? '' : '/x'),
      query: { labelSelector: 'twin={{id}}' },
    },
    { method: 'GET', path: `${root}//x` },
    { method: 'GET', path: item, query: { watch: 'x' } },
    { method: 'GET', path: root, query: { labelSelector: 'twin={{id}}', watch: 'false' } },
    {
      method: 'GET',
      path: root,
      query: { labelSelector: 'twin={{id}}', unknown: 'x', limit: '', timeoutSeconds: 'x' },
    },
    { method: 'GET', path: item, headers: { accept: 'application/json, */*' }, query: { pretty: 'true' } },
    { method: 'GET', path: root.replace('{{ns}}', 'none-{{id}}'), query: { labelSelector: 'twin={{id}}' } },
    { method: 'POST', path: root.replace('{{ns}}', 'none-{{id}}'), json: object ?? {} },
    { method: 'POST', path: root.replace('/namespaces/{{ns}}', ''), json: object ?? {}, query: { dryRun: 'All' } },
    {
      method: 'DELETE',
      path: root.replace('/namespaces/{{ns}}', '/namespaces/none-{{id}}'),
      query: { labelSelector: 'twin={{id}}' },
    },
    { method: 'GET', path: root.replace(`/${kind.resource}`, `/watch/${kind.resource}`), watch: true },
    ...[
      'limit=',
      'limit=9223372036854775808',
      'limit=1;x',
      'limit=%z',
      '%zz=1&limit=x',
      'timeoutSeconds=-x',
      'timeout=1d',
    ].map((query): Step => ({ method: 'GET', path: `${root}?labelSelector=twin%3D{{id}}&${query}` })),
    { method: rng.pick(['GET', 'DELETE', 'PUT']), path: `${root}/..` },
    { method: rng.pick(['GET', 'DELETE', 'PUT']), path: `${root}/a%25b` },
  ];
  if (!kind.verbs.includes('list')) return undefined;
  return rng.shuffled(choices).slice(0, 6);
};
