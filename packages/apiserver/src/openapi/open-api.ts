import { createHash } from 'node:crypto';
import type { Extensions } from '../aggregation/index.ts';
import { parseAccept } from '../http/negotiate.ts';
import { notFoundReply, type Reply } from '../http/reply.ts';
import { version } from '../http/version.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';
import { definitionsJson } from '../schema/generated/definitions.ts';
import { operationsJson } from '../schema/generated/operations.ts';
import { customOperations } from './custom-operations.ts';
import { withDescriptions } from './descriptions.ts';
import { groupBy } from './group-by.ts';
import { mergeDocuments } from './merge-documents.ts';
import { pathItems, sharedParameters } from './path-items.ts';
import { encodeOpenApiV2, protobufV2MediaType } from './protobuf-v2.ts';
import { encodeOpenApiV3, protobufV3MediaType } from './protobuf-v3.ts';
import { customSchemas, type Json, openApi2, openApi3, reachable, type SchemaStyle, toOpenApi } from './schemas.ts';
import { loadTables, type OpenApiTables, type Operation } from './tables.ts';

interface Document {
  readonly body: string | Buffer;
  readonly etag: string;
}

const info = { title: 'Kubernetes', version: `${version.major}.${version.minor}` };
const securityScheme = { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } };
const json = 'application/json';
/** Documents that belong to no group, and are served whatever the groups are. */
const ownPlaces = ['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'];

/** `/openapi/v3` and `/openapi/v2`: made from the schema table and the CRDs when first asked for. */
export class OpenApi {
  readonly #catalog: ResourceCatalog;
  readonly #extensions: Extensions | undefined;
  #tables: OpenApiTables | undefined;
  #index: ReadonlyMap<string, string> | undefined;
  #table: string | undefined;
  readonly #documents = new Map<string, Document>();

  constructor(catalog: ResourceCatalog, extensions?: Extensions) {
    this.#catalog = catalog;
    this.#extensions = extensions;
    const forget = () => {
      this.#index = undefined;
      this.#documents.clear();
    };
    catalog.changes$.subscribe(forget);
    extensions?.changes$.subscribe(forget);
  }

  answer(path: string, query: URLSearchParams, accept: string | undefined, ifNoneMatch: string | undefined): Reply {
    if (path === '/openapi/v2') return this.#versionTwo(accept, ifNoneMatch);
    if (path === '/openapi/v2/') return notFoundReply();
    if (path === '/openapi/v3') return this.#indexReply();
    const place = path.slice('/openapi/v3/'.length);
    const hash = this.#hashes().get(place);
    if (!path.startsWith('/openapi/v3/') || hash === undefined) return empty(404, {});
    const asked = query.get('hash');
    const base = { etag: `"${hash}"`, vary: 'Accept' };
    const contentType = wanted(accept, protobufV3MediaType);
    if (contentType === undefined) return empty(406, { vary: 'Accept' });
    if (asked !== null && asked !== '' && asked !== hash)
      return { ...empty(301, { ...base, location: `${path}?hash=${hash}` }), contentType };
    if (ifNoneMatch === base.etag) return { code: 304, contentType, body: '', headers: base };
    const lasting: Record<string, string> = asked === hash ? { 'cache-control': 'public, immutable' } : {};
    return { code: 200, contentType, body: this.#document(place, contentType), headers: { ...base, ...lasting } };
  }

  #indexReply(): Reply {
    const own = [...this.#hashes()].map(([place, hash]) => [place, `/openapi/v3/${place}?hash=${hash}`] as const);
    const all = [...new Map([...own, ...(this.#extensions?.openApiPlaces() ?? [])])];
    const paths = Object.fromEntries(
      all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([place, serverRelativeURL]) => [place, { serverRelativeURL }]),
    );
    return { code: 200, contentType: 'text/plain; charset=utf-8', body: JSON.stringify({ paths }) };
  }

  /** Hashes of what the documents are made from: the documents themselves need not exist yet. */
  #hashes(): ReadonlyMap<string, string> {
    if (this.#index) return this.#index;
    this.#table ??= createHash('sha256').update(definitionsJson).update(operationsJson).digest('hex');
    const table = this.#table;
    const served = groupBy(this.#catalog.list(), placeOf);
    const groups = this.#catalog.groups().flatMap(({ group, versions }) => {
      const places = versions.map((each) => place(group, each));
      const custom = places.every((each) => served.get(each)?.every(({ custom: own }) => own));
      return group === '' || custom ? places : [`apis/${group}`, ...places];
    });
    const hashes = [...new Set([...ownPlaces, ...groups])].sort().map((each) => {
      const own = (served.get(each) ?? []).map((resource) =>
        resource.custom ? digestOf(resource) : resource.resource,
      );
      return [each, createHash('sha512').update(`${table}${each}${own.join()}`).digest('hex').toUpperCase()] as const;
    });
    this.#index = new Map(hashes);
    return this.#index;
  }

  #document(placeName: string, contentType: string): string | Buffer {
    const key = `${contentType} ${placeName}`;
    const known = this.#documents.get(key);
    if (known) return known.body;
    const { paths, schemas } = this.#parts([placeName], openApi3);
    const components = { ...(Object.keys(schemas).length > 0 && { schemas }), securitySchemes: securityScheme };
    const document = { openapi: '3.0.0', info, paths, components };
    const body = contentType === json ? JSON.stringify(document) : encodeOpenApiV3(document);
    this.#documents.set(key, { body, etag: '' });
    return body;
  }

  #versionTwo(accept: string | undefined, ifNoneMatch: string | undefined): Reply {
    const headers = { vary: 'Accept-Encoding, Accept' };
    const contentType = wanted(accept, protobufV2MediaType);
    if (contentType === undefined) return empty(406, headers);
    const document = this.#documents.get(contentType) ?? this.#makeVersionTwo(contentType);
    const tagged = { ...headers, etag: document.etag };
    if (ifNoneMatch === document.etag) return { code: 304, contentType, body: '', headers: tagged };
    return { code: 200, contentType, body: document.body, headers: tagged };
  }

  #makeVersionTwo(contentType: string): Document {
    const hashes = this.#hashes();
    const own = this.#parts([...hashes.keys()], openApi2);
    const documents = this.#extensions?.openApiDocuments() ?? [];
    const { paths, definitions } = mergeDocuments({ paths: own.paths, definitions: own.schemas }, documents);
    const whole = {
      swagger: '2.0',
      info,
      paths,
      definitions,
      parameters: sharedParameters(this.#load(), openApi2),
      securityDefinitions: securityScheme,
      security: [{ BearerToken: [] }],
    };
    const body = contentType === protobufV2MediaType ? encodeOpenApiV2(whole) : JSON.stringify(whole);
    // One tag for both forms: it names what they are made from.
    const etag = createHash('sha512')
      .update([...hashes.values()].join())
      .update(documents.length === 0 ? '' : JSON.stringify(documents))
      .digest('hex');
    const document = { body, etag: `"${etag.toUpperCase()}"` };
    this.#documents.set(contentType, document);
    return document;
  }

  #parts(places: readonly string[], style: SchemaStyle): { readonly paths: Json; readonly schemas: Json } {
    const tables = this.#load();
    const { definitions, byPlace } = tables;
    const resources = this.#catalog.list();
    const served = new Set(resources.map((each) => `${placeOf(each)}/${each.resource}`));
    const builtin = places.flatMap((each) =>
      (byPlace.get(each) ?? []).filter((operation) => isServed(operation, each, served)),
    );
    const own = resources.filter((each) => each.custom && places.includes(placeOf(each)));
    const custom = customOperations(own, tables);
    const operations = [...builtin, ...custom.operations];
    const roots = operations.flatMap(({ body, answer }) => [body, answer]).filter((each) => each !== undefined);
    const schemas: Record<string, Json> = {};
    for (const each of own) Object.assign(schemas, customSchemas(each, style));
    const meta = own.length === 0 ? [] : ['ObjectMeta', 'ListMeta'];
    const needed = reachable(definitions, [
      ...roots,
      ...meta.map((each) => `io.k8s.apimachinery.pkg.apis.meta.v1.${each}`),
    ]);
    for (const name of [...needed].sort()) schemas[name] = toOpenApi(definitions[name] ?? {}, style, name);
    for (const [name, schema] of Object.entries(schemas)) schemas[name] = withDescriptions(name, schema);
    const pathParameters = { ...tables.pathParameters, ...custom.pathParameters };
    return { paths: pathItems(operations, { parameters: tables.parameters, pathParameters }, style), schemas };
  }

  #load(): OpenApiTables {
    this.#tables ??= loadTables();
    return this.#tables;
  }
}

const digests = new WeakMap<ServedResource, string>();

/** Of a custom resource, worked out once: thousands stay as they are when one more comes. */
function digestOf(resource: ServedResource): string {
  let digest = digests.get(resource);
  if (digest === undefined) {
    digest = createHash('sha256').update(JSON.stringify(resource)).digest('base64');
    digests.set(resource, digest);
  }
  return digest;
}

const empty = (code: number, headers: Reply['headers']): Reply => ({ code, contentType: '', body: '', headers });

/** JSON or the given form, as the Accept header prefers; `@` is how some clients write the first dot of the version. */
function wanted(accept: string | undefined, protobuf: string): string | undefined {
  for (const { mediaType } of parseAccept(accept)) {
    if (mediaType === json || mediaType === '*/*' || mediaType === 'application/*') return json;
    if (mediaType.replace('@', '.') === protobuf) return protobuf;
  }
  return undefined;
}

/** Whether the resource that a path leads to is served in this version. */
function isServed({ path, kind }: Operation, placeName: string, served: ReadonlySet<string>): boolean {
  if (kind === undefined) return true;
  const rest = path.slice(placeName.length + 2).replace(/^watch\//, '');
  const parts = rest.split('/');
  // Below a namespace lies a resource, or a subresource of the namespace itself.
  const at = parts[0] === 'namespaces' && parts[1] === '{namespace}' ? parts[2] : parts[0];
  return served.has(`${placeName}/${at}`) || served.has(`${placeName}/${parts[0]}`);
}

const place = (group: string, each: string) => (group === '' ? `api/${each}` : `apis/${group}/${each}`);
const placeOf = (resource: ServedResource) => place(resource.group, resource.version);
