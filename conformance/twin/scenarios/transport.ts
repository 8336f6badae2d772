import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { collection, type Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { fullObjects } from './full.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const merge = { 'content-type': 'application/merge-patch+json' };

/** Objects as protobuf, as clients written in Go send them: the bytes that the server itself gave, whole and spoiled. */
export const binary: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  const object = rng.bool(0.6) ? (fullObjects.get(kind.id) ?? base) : base;
  if (!object || !kind.verbs.includes('get') || !kind.verbs.includes('update')) return undefined;
  const item = itemPath(kind);
  const sent = {
    'content-type': protobuf,
    accept: rng.pick([protobuf, 'application/json', `${protobuf},application/json`]),
  };
  const bytes = { step: 'raw' };
  const all: Step[] = [
    { method: 'PUT', path: item, headers: sent, bytes },
    { method: 'PUT', path: item, headers: sent, bytes, query: { dryRun: 'All', fieldValidation: 'Strict' } },
    { method: 'PUT', path: item, headers: sent, bytes: { ...bytes, cut: rng.int(60) } },
    { method: 'PUT', path: item, headers: sent, bytes: { ...bytes, without: 4 } },
    { method: 'PUT', path: item, headers: { ...sent, 'content-type': 'application/json' }, bytes },
    { method: 'PUT', path: item, headers: { ...sent, 'content-type': `${protobuf};stream=watch` }, bytes },
    { method: 'PUT', path: item, headers: sent, text: '' },
    { method: 'PUT', path: item, headers: sent, text: 'k8s\0' },
    { method: 'PUT', path: item, headers: sent, text: JSON.stringify(object) },
    { method: 'POST', path: collection(kind), headers: sent, bytes },
    { method: 'POST', path: item, headers: sent, bytes },
    { method: 'PATCH', path: item, headers: sent, bytes },
    {
      method: 'PATCH',
      path: item,
      headers: { ...merge, accept: protobuf },
      json: { metadata: { labels: { x: 'y' } } },
    },
    { method: 'DELETE', path: item, headers: sent, bytes },
    { method: 'DELETE', path: item, headers: { ...sent, 'content-type': protobuf }, query: { dryRun: 'All' } },
    { method: 'GET', path: collection(kind), headers: { accept: protobuf }, query: { labelSelector: 'twin={{id}}' } },
  ];
  return [
    post(kind, object, { headers: { accept: rng.pick(['application/json', protobuf]) } }),
    { id: 'raw', method: 'GET', path: item, headers: { accept: protobuf } },
    ...rng.shuffled(all).slice(0, 6),
    { method: 'DELETE', path: item, headers: { accept: protobuf } },
    { method: 'PUT', path: item, headers: sent, bytes },
    { method: 'GET', path: item },
  ];
};

const tables = ['application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=Table;v=v1beta1;g=meta.k8s.io'];
const partial = (form: string, list: boolean) =>
  `${form};as=PartialObjectMetadata${list ? 'List' : ''};v=v1;g=meta.k8s.io`;

function readsOf(kind: Kind, rng: Rng): Step[] {
  const [root, item] = [collection(kind), itemPath(kind)];
  const own = { labelSelector: 'twin={{id}}' };
  const table = { accept: rng.pick(tables) };
  return [
    ...['None', 'Metadata', 'Object', 'x', ''].map(
      (includeObject): Step => ({ method: 'GET', path: root, headers: table, query: { ...own, includeObject } }),
    ),
    { method: 'GET', path: item, headers: table, query: { includeObject: 'Object' } },
    { method: 'GET', path: root, headers: table, query: { ...own, limit: '1' } },
    { method: 'GET', path: root, headers: table, query: { ...own, watch: '1', includeObject: 'None' }, watch: true },
    {
      method: 'GET',
      path: root,
      headers: { accept: partial('application/json', false) },
      query: { ...own, watch: '1' },
      watch: true,
    },
    {
      method: 'GET',
      path: root,
      headers: { accept: partial(protobuf, false) },
      query: { ...own, watch: '1' },
      watch: true,
    },
    { method: 'GET', path: root, headers: { accept: partial(protobuf, true) }, query: own },
    { method: 'GET', path: root, headers: { accept: partial('application/yaml', true) }, query: own },
    { method: 'GET', path: item, headers: { accept: partial('application/yaml', false) } },
    { method: 'GET', path: item, headers: { accept: 'application/json;as=Status;v=v1;g=meta.k8s.io' } },
    { method: 'GET', path: `${root}/none-{{id}}`, headers: table },
    { method: 'GET', path: `${root}/none-{{id}}`, headers: { accept: protobuf } },
    { method: 'GET', path: `${root}/none-{{id}}`, headers: { accept: partial('application/json', false) } },
    { method: 'GET', path: root, query: { ...own, watch: '1', fieldSelector: 'metadata.name={{id}}-a' }, watch: true },
    { method: 'GET', path: item, query: { watch: '1' }, watch: true },
    { method: 'GET', path: item.replace(`/${kind.resource}/`, `/watch/${kind.resource}/`), watch: true },
    { method: 'GET', path: root, query: { ...own, fieldSelector: 'metadata.name={{id}}-a' } },
    { method: 'GET', path: root, query: { ...own, timeout: rng.pick(['5s', '0s', 'x', '-1s', '1h']) } },
    { method: 'GET', path: root, query: { ...own, pretty: rng.pick(['1', 'true', '0', 'false', '']) } },
    { method: 'GET', path: root, query: own, headers: { 'user-agent': 'curl/8' } },
    { method: 'GET', path: root, query: own, headers: { 'user-agent': 'Mozilla/5.0', accept: 'text/html,*/*' } },
    { method: 'GET', path: item, headers: { 'if-none-match': '*' } },
    { method: 'GET', path: item, headers: { 'if-modified-since': 'Sat, 29 Oct 2044 19:43:31 GMT' } },
    { method: 'GET', path: item, headers: { accept: 'application/json;q=0.1, application/yaml;q=0.9' } },
    { method: 'GET', path: item, headers: { accept: 'Application/JSON' } },
    { method: 'GET', path: item, headers: { accept: 'application/json;' } },
    { method: 'GET', path: item, headers: { accept: ',' } },
    { method: 'POST', path: root, headers: table, json: objectOf(kind, 'b') ?? {}, query: { dryRun: 'All' } },
    { method: 'PATCH', path: item, headers: { ...merge, ...table }, json: { metadata: { labels: { x: 'y' } } } },
    { method: 'PATCH', path: item, headers: { ...merge, accept: partial('application/json', false) }, json: {} },
    { method: 'DELETE', path: item, headers: table, query: { dryRun: 'All' } },
    { method: 'DELETE', path: root, headers: table, query: { ...own, dryRun: 'All' } },
    {
      method: 'DELETE',
      path: root,
      headers: { accept: partial('application/json', true) },
      query: { ...own, dryRun: 'All' },
    },
    { method: 'DELETE', path: item, headers: { accept: 'application/yaml' }, query: { dryRun: 'All' } },
  ];
}

/** Reads that ask for their answer in unusual ways. */
export const answers: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('list') || !kind.verbs.includes('create')) return undefined;
  return [post(kind, base), ...rng.shuffled(readsOf(kind, rng)).slice(0, 8)];
};
