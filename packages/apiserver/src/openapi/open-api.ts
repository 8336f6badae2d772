import { createHash } from 'node:crypto';
import { StatusError } from '@keelson/core';
import { z } from 'zod';
import { parseAccept } from '../http/negotiate.ts';
import { notFoundReply, type Reply, statusReply } from '../http/reply.ts';
import { version } from '../http/version.ts';
import type { ResourceCatalog, Schema, ServedResource } from '../registry/contract.ts';
import { definitionsJson } from '../schema/generated/definitions.ts';
import { operationsJson } from '../schema/generated/operations.ts';
import { customOperations } from './custom-operations.ts';
import { groupBy } from './group-by.ts';
import { type Operation, type OperationSchemas, pathItems, sharedSchemas } from './operations.ts';
import { encodeOpenApiV2, protobufV2MediaType } from './protobuf-v2.ts';
import { customSchemaName, customSchemas, type Json, reachable, type SchemaStyle, toOpenApi } from './schemas.ts';

const v3: SchemaStyle = { prefix: '#/components/schemas/' };
const v2: SchemaStyle = { prefix: '#/definitions/' };

const Definitions: z.ZodType<Readonly<Record<string, Schema>>> = z.record(z.string(), z.looseObject({}));
const Operations: z.ZodType<readonly Operation[]> = z.array(
  z.object({
    path: z.string(),
    method: z.string(),
    action: z.string(),
    kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
  }),
);

interface Tables {
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly byPlace: ReadonlyMap<string, readonly Operation[]>;
}

interface Document {
  readonly body: string | Buffer;
  readonly etag: string;
}

/** `/openapi/v3` and `/openapi/v2`: made from the schema table and the CRDs when first asked for. */
export class OpenApi {
  readonly #catalog: ResourceCatalog;
  #tables: Tables | undefined;
  #index: ReadonlyMap<string, string> | undefined;
  readonly #documents = new Map<string, Document>();

  constructor(catalog: ResourceCatalog) {
    this.#catalog = catalog;
    catalog.changes$.subscribe(() => {
      this.#index = undefined;
      this.#documents.clear();
    });
  }

  answer(path: string, query: URLSearchParams, accept: string | undefined, ifNoneMatch: string | undefined): Reply {
    if (path === '/openapi/v2') return this.#versionTwo(accept, ifNoneMatch);
    if (path === '/openapi/v3' || path === '/openapi/v3/') return this.#indexReply();
    const place = path.slice('/openapi/v3/'.length);
    const hash = this.#hashes().get(place);
    if (!path.startsWith('/openapi/v3/') || hash === undefined) return notFoundReply();
    const asked = query.get('hash');
    const base = { etag: `"${hash}"`, vary: 'Accept' };
    const json = parseAccept(accept).some(({ mediaType }) => mediaType === 'application/json' || mediaType === '*/*');
    if (!json) return statusReply(StatusError.of(406, 'NotAcceptable', 'only application/json is given here'), false);
    if (asked !== null && asked !== hash) {
      return {
        code: 301,
        contentType: 'application/json',
        body: '',
        headers: { ...base, location: `${path}?hash=${hash}` },
      };
    }
    const cached: Reply['headers'] = asked === null ? {} : { 'cache-control': 'public, immutable' };
    if (ifNoneMatch === base.etag) return { code: 304, contentType: 'application/json', body: '', headers: base };
    return { code: 200, contentType: 'application/json', body: this.#document(place), headers: { ...base, ...cached } };
  }

  #indexReply(): Reply {
    const paths = Object.fromEntries(
      [...this.#hashes()].map(([place, hash]) => [place, { serverRelativeURL: `/openapi/v3/${place}?hash=${hash}` }]),
    );
    return { code: 200, contentType: 'application/json', body: JSON.stringify({ paths }) };
  }

  /** Hashes of what the documents are made from: the documents themselves need not exist yet. */
  #hashes(): ReadonlyMap<string, string> {
    if (this.#index) return this.#index;
    const table = createHash('sha256').update(definitionsJson).update(operationsJson).digest('hex');
    const custom = groupBy(
      this.#catalog.list().filter((each) => each.custom),
      placeOf,
    );
    const places = new Set([
      'version',
      ...this.#catalog.groups().flatMap(({ group, versions }) => versions.map((each) => place(group, each))),
    ]);
    const hashes = [...places].sort().map((each) => {
      const own = JSON.stringify(custom.get(each) ?? []);
      return [each, createHash('sha512').update(`${table}${each}${own}`).digest('hex').toUpperCase()] as const;
    });
    this.#index = new Map(hashes);
    return this.#index;
  }

  #document(placeName: string): string | Buffer {
    const known = this.#documents.get(placeName);
    if (known) return known.body;
    const { paths, schemas } = this.#parts([placeName], v3);
    const body = JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: `v${version.major}.${version.minor}` },
      paths,
      components: {
        schemas,
        securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
      },
    });
    this.#documents.set(placeName, { body, etag: '' });
    return body;
  }

  #versionTwo(accept: string | undefined, ifNoneMatch: string | undefined): Reply {
    const wanted = parseAccept(accept).map(({ mediaType }) => mediaType.replace('@', '.'));
    const contentType = wanted.includes(protobufV2MediaType) ? protobufV2MediaType : 'application/json';
    if (contentType === 'application/json' && !wanted.some((each) => each === contentType || each === '*/*')) {
      return statusReply(StatusError.of(406, 'NotAcceptable', 'only JSON and protobuf are given here'), false);
    }
    const document = this.#documents.get(contentType) ?? this.#makeVersionTwo(contentType);
    const headers = { etag: document.etag, vary: 'Accept' };
    if (ifNoneMatch === document.etag) return { code: 304, contentType, body: '', headers };
    return { code: 200, contentType, body: document.body, headers };
  }

  #makeVersionTwo(contentType: string): Document {
    const { paths, schemas: definitions } = this.#parts([...this.#hashes().keys()], v2);
    const info = { title: 'Kubernetes', version: version.gitVersion };
    const body =
      contentType === protobufV2MediaType
        ? encodeOpenApiV2({ ...info, paths, definitions })
        : JSON.stringify({ swagger: '2.0', info, paths, definitions });
    const document = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
    this.#documents.set(contentType, document);
    return document;
  }

  #parts(places: readonly string[], style: SchemaStyle): { readonly paths: Json; readonly schemas: Json } {
    const { definitions, byPlace } = this.#load();
    const resources = this.#catalog.list();
    const names = new Map(resources.map((each) => [`${placeOf(each)}/${each.kind}`, schemaNames(each)]));
    const byKind = this.#kinds(definitions);
    const schemasOf = ({ path, kind }: Operation): OperationSchemas => {
      const group = path
        .split('/')
        .slice(1, path.startsWith('/api/') ? 3 : 4)
        .join('/');
      const object = byKind.get(`${kind.group}/${kind.version}/${kind.kind}`);
      return names.get(`${group}/${kind.kind}`) ?? { object, list: undefined };
    };
    const custom = resources.filter((each) => each.custom && places.includes(placeOf(each)));
    const operations = [...places.flatMap((each) => byPlace.get(each) ?? []), ...custom.flatMap(customOperations)];
    const roots = operations.flatMap((each) => Object.values(schemasOf(each))).filter((each) => each !== undefined);
    const meta = ['ObjectMeta', 'ListMeta'].map((each) => `io.k8s.apimachinery.pkg.apis.meta.v1.${each}`);
    const needed = [...reachable(definitions, [...roots, ...sharedSchemas, ...meta])].sort();
    const schemas: Record<string, Json> = {};
    for (const name of needed) schemas[name] = toOpenApi(definitions[name] ?? {}, style, name);
    for (const each of custom) Object.assign(schemas, customSchemas(each, style));
    return { paths: pathItems(operations, schemasOf, style), schemas };
  }

  #kinds(definitions: Tables['definitions']): ReadonlyMap<string, string> {
    const kinds = new Map<string, string>();
    for (const [name, schema] of Object.entries(definitions)) {
      const identities = GroupVersionKinds.safeParse(schema['x-kubernetes-group-version-kind']);
      for (const each of identities.data ?? []) kinds.set(`${each.group}/${each.version}/${each.kind}`, name);
    }
    return kinds;
  }

  #load(): Tables {
    this.#tables ??= {
      definitions: Definitions.parse(JSON.parse(definitionsJson)),
      byPlace: groupBy(Operations.parse(JSON.parse(operationsJson)), ({ path }) =>
        path
          .split('/')
          .slice(1, path.startsWith('/api/') ? 3 : 4)
          .join('/'),
      ),
    };
    return this.#tables;
  }
}

const GroupVersionKinds = z.array(z.object({ group: z.string(), version: z.string(), kind: z.string() }));

const place = (group: string, each: string) => (group === '' ? `api/${each}` : `apis/${group}/${each}`);
const placeOf = (resource: ServedResource) => place(resource.group, resource.version);

function schemaNames(resource: ServedResource): OperationSchemas {
  const name = resource.custom
    ? customSchemaName(resource.group, resource.version, resource.kind)
    : resource.definition;
  return { object: name, list: name && `${name}List` };
}
