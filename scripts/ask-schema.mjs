// Asks a real Kubernetes API server with all API versions enabled (`--runtime-config=api/all=true`) for its schema and
// its discovery, and writes them, without descriptions, into reference/. By hand, when the version that is matched changes:
//
//   node scripts/ask-schema.mjs ~/.kube/config && npm run generate
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const reference = join(dirname(fileURLToPath(import.meta.url)), '..', 'reference');
const config = parse(readFileSync(process.argv[2] ?? process.env.KUBECONFIG, 'utf8'));
const { cluster } = config.clusters[0];
const { user } = config.users[0];
const secret = (data, file) => (data ? Buffer.from(data, 'base64') : file && readFileSync(file));
const tls = {
  ca: secret(cluster['certificate-authority-data'], cluster['certificate-authority']),
  cert: secret(user['client-certificate-data'], user['client-certificate']),
  key: secret(user['client-key-data'], user['client-key']),
};

function get(path, accept = 'application/json') {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, cluster.server), { ...tls, headers: { accept } }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += chunk;
      if (answer.statusCode !== 200) reject(new Error(`${path}: ${answer.statusCode} ${text}`));
      else resolve(JSON.parse(text));
    });
    sent.once('error', reject).end();
  });
}

const two = await get('/openapi/v2');
const index = await get('/openapi/v3');
const three = await Promise.all(Object.values(index.paths).map((each) => get(each.serverRelativeURL)));
const { gitVersion } = await get('/version');

// ---- Definitions: those of v3, for it has the defaults ------------------------------------------------------------

const isSchemaMap = new Set(['properties']);
/**
 * `allOf` with one reference stands for it, `plain` marks the few fields that have none around theirs; a description is a
 * sentence, and no fact.
 */
function compact(schema, isField = false) {
  const result = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'description' && typeof value === 'string') continue;
    if (key === '$ref')
      Object.assign(result, { ref: value.slice(value.lastIndexOf('/') + 1) }, isField && { plain: true });
    else if (key === 'allOf' && value.length === 1) Object.assign(result, compact(value[0]));
    else if (isSchemaMap.has(key))
      result[key] = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, compact(each, true)]));
    else if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object'))
      result[key] = compact(value);
    else result[key] = value;
  }
  return result;
}
const isBuiltin = (name) => name.startsWith('io.k8s.');
const customGroups = new Set(
  Object.entries(two.definitions).flatMap(([name, schema]) =>
    isBuiltin(name) ? [] : (schema['x-kubernetes-group-version-kind'] ?? []).map(({ group }) => group),
  ),
);
const definitions = {};
for (const { components } of three) {
  for (const [name, schema] of Object.entries(components?.schemas ?? {}))
    if (isBuiltin(name)) definitions[name] ??= compact(schema);
}
// Where the two versions differ it is the older form that is kept: the newer follows from it.
for (const name of ['io.k8s.apimachinery.pkg.api.resource.Quantity', 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'])
  definitions[name] = compact(two.definitions[name]);

// ---- Operations: what many have in common is written once ---------------------------------------------------------

const parameterOf = ({ description: _, ...each }) => each;
const parameters = Object.fromEntries(Object.entries(two.parameters).map(([id, each]) => [id, parameterOf(each)]));
const inline = new Map();
/** The name of a parameter in `parameters`: those that v2 does not share are called by their name alone. */
function parameterId(parameter) {
  if (parameter.$ref) return parameter.$ref.slice('#/parameters/'.length);
  const own = parameterOf(parameter);
  const text = JSON.stringify(own);
  for (let at = 0; ; at++) {
    const id = at === 0 ? own.name : `${own.name}~${at}`;
    const known = inline.get(id);
    if (known === text) return id;
    if (known !== undefined) continue;
    inline.set(id, text);
    parameters[id] = own;
    return id;
  }
}
const indexOf = (list) => (value) => {
  const text = JSON.stringify(value);
  const at = list.findIndex((each) => JSON.stringify(each) === text);
  return at >= 0 ? at : list.push(value) - 1;
};
const shapes = [];
const shapeOf = indexOf(shapes);
const paths = {};
const operations = [];
const schemaName = (schema) => schema?.$ref?.slice('#/definitions/'.length) ?? schema?.type;
for (const [path, item] of Object.entries(two.paths)) {
  if (customGroups.has(path.split('/')[2])) continue;
  if (item.parameters) paths[path] = item.parameters.map(parameterId).join(' ');
  for (const [method, operation] of Object.entries(item)) {
    if (method === 'parameters') continue;
    const all = (operation.parameters ?? []).map((each) => ({
      id: each.in === 'body' ? 'body' : parameterId(each),
      body: [each, each.$ref && parameters[parameterId(each)]].find((one) => one?.in === 'body'),
    }));
    const body = all.find((each) => each.body)?.body;
    const answers = Object.entries(operation.responses);
    const answer = answers.map(([, each]) => schemaName(each.schema)).find((each) => each !== undefined);
    const shape = shapeOf({
      ...(operation['x-kubernetes-action'] && { action: operation['x-kubernetes-action'] }),
      ...(operation.parameters && { parameters: all.map((each) => each.id).join(' ') }),
      ...(body?.required && { bodyRequired: true }),
      codes: answers.map(([code, each]) => (each.schema ? `${code}+` : code)).join(' '),
      ...(operation.consumes && { consumes: operation.consumes }),
      ...(operation.produces && { produces: operation.produces }),
      schemes: operation.schemes?.join(' ') ?? '',
      ...(operation.deprecated && { deprecated: true }),
    });
    const kind = operation['x-kubernetes-group-version-kind'];
    operations.push({
      path,
      method,
      ...(kind && { action: operation['x-kubernetes-action'], kind }),
      id: operation.operationId,
      tag: operation.tags?.join(' ') ?? '',
      shape,
      ...(body && { body: schemaName(body.schema) }),
      ...(answer && { answer }),
    });
  }
}

const lines = (object) =>
  `{\n${Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${JSON.stringify(object[key])}`)
    .join(',\n')}\n}`;
const list = (values) => `[\n${values.map((each) => JSON.stringify(each)).join(',\n')}\n]`;
writeFileSync(
  join(reference, 'kubernetes-v1.35-schema.json'),
  `{\n"version": ${JSON.stringify(gitVersion)},\n"definitions": ${lines(definitions)},\n"parameters": ${lines(parameters)},\n"paths": ${lines(paths)},\n"shapes": ${list(shapes)},\n"operations": ${list(operations)}\n}\n`,
);

// ---- Discovery ----------------------------------------------------------------------------------------------------

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const groups = [...(await get('/api', aggregated)).items, ...(await get('/apis', aggregated)).items];
const resources = [];
for (const { metadata, versions } of groups) {
  const group = metadata.name ?? '';
  if (customGroups.has(group)) continue;
  for (const { version, resources: served } of versions) {
    const legacy = await get(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
    for (const each of served) {
      const hash = legacy.resources.find(({ name }) => name === each.resource)?.storageVersionHash;
      resources.push({
        group,
        version,
        resource: each.resource,
        kind: each.responseKind.kind,
        ...(each.responseKind.version && { responseKind: each.responseKind }),
        scope: each.scope,
        singular: each.singularResource,
        verbs: each.verbs,
        ...(each.shortNames && { shortNames: each.shortNames }),
        ...(each.categories && { categories: each.categories }),
        ...(hash && { storageVersionHash: hash }),
        ...(each.subresources && {
          subresources: each.subresources.map(({ subresource, responseKind, verbs }) => ({
            name: subresource,
            kind: responseKind,
            verbs,
          })),
        }),
      });
    }
  }
}
/** Which version a resource is stored in, its hash tells: the first eight bytes of the SHA-256 of group, version and kind. */
const storageHash = ({ group, version, kind }) =>
  createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
for (const each of resources) {
  const stored = resources.find(
    ({ kind, ...other }) => kind === each.kind && storageHash({ kind, ...other }) === each.storageVersionHash,
  );
  if (stored && (stored.group !== each.group || stored.version !== each.version))
    each.storage = { group: stored.group, version: stored.version };
}
const named = groups.filter(({ metadata }) => metadata.name && !customGroups.has(metadata.name));
const groupList = named.map(({ metadata, versions }) => ({
  group: metadata.name,
  versions: versions.map((each) => each.version),
}));
writeFileSync(
  join(reference, 'kubernetes-v1.35-discovery.json'),
  `{\n"groups": ${list(groupList)},\n"resources": ${list(resources)}\n}\n`,
);
