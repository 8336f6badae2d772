import { createHash } from 'node:crypto';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { Extensions } from '../aggregation/index.ts';
import { parseAccept } from '../http/negotiate.ts';
import { type LongReply, notFoundReply, type Reply } from '../http/reply.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';
import { definitionsJson } from '../schema/generated/definitions.ts';
import { operationsJson } from '../schema/generated/operations.ts';
import { customOperations } from './custom-operations.ts';
import { type DocumentPart, DocumentParts } from './document-parts.ts';
import { type DocumentForm, formsOfThree, formsOfTwo } from './forms.ts';
import { addedByOthers, type OwnDocument } from './merge-documents.ts';
import { customSchemaName, customSchemas, openApi2 } from './schemas.ts';
import { loadTables, type OpenApiTables, placeOfPath } from './tables.ts';

/** Documents that belong to no group, and are served whatever the groups are. */
const ownPlaces = ['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'];

/**
 * `/openapi/v3` and `/openapi/v2`: made from the schema table and the CRDs when asked for, of parts that are written once.
 * While much has to be written others get their turns.
 */
export class OpenApi {
  readonly #catalog: ResourceCatalog;
  readonly #extensions: Extensions | undefined;
  #loaded: { readonly tables: OpenApiTables; readonly parts: DocumentParts } | undefined;
  #index: ReadonlyMap<string, string> | undefined;
  #table: string | undefined;

  constructor(catalog: ResourceCatalog, extensions?: Extensions) {
    this.#catalog = catalog;
    this.#extensions = extensions;
    const forget = () => {
      this.#index = undefined;
    };
    catalog.changes$.subscribe(forget);
    extensions?.changes$.subscribe(forget);
  }

  async answer(
    path: string,
    query: URLSearchParams,
    accept: string | undefined,
    ifNoneMatch: string | undefined,
  ): Promise<Reply | LongReply> {
    if (path === '/openapi/v2') return this.#versionTwo(accept, ifNoneMatch);
    if (path === '/openapi/v2/') return notFoundReply();
    if (path === '/openapi/v3') return this.#indexReply();
    const place = path.slice('/openapi/v3/'.length);
    const hash = (await this.#hashes()).get(place);
    if (!path.startsWith('/openapi/v3/') || hash === undefined) return empty(404, {});
    const asked = query.get('hash');
    const base = { etag: `"${hash}"`, vary: 'Accept' };
    const form = wanted(accept, formsOfThree);
    if (form === undefined) return empty(406, { vary: 'Accept' });
    const contentType = form.mediaType;
    if (asked !== null && asked !== '' && asked !== hash)
      return { ...empty(301, { ...base, location: `${path}?hash=${hash}` }), contentType };
    if (ifNoneMatch === base.etag) return { code: 304, contentType, body: '', headers: base };
    const lasting: Record<string, string> = asked === hash ? { 'cache-control': 'public, immutable' } : {};
    return { code: 200, contentType, pieces: await this.#write([place], form), headers: { ...base, ...lasting } };
  }

  async #indexReply(): Promise<Reply> {
    const own = [...(await this.#hashes())].map(
      ([place, hash]) => [place, `/openapi/v3/${place}?hash=${hash}`] as const,
    );
    const all = [...new Map([...own, ...(this.#extensions?.openApiPlaces() ?? [])])];
    const paths = Object.fromEntries(
      all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([place, serverRelativeURL]) => [place, { serverRelativeURL }]),
    );
    return { code: 200, contentType: 'text/plain; charset=utf-8', body: JSON.stringify({ paths }) };
  }

  /** Hashes of what the documents are made from: the documents themselves need not exist yet. */
  async #hashes(): Promise<ReadonlyMap<string, string>> {
    if (this.#index) return this.#index;
    let written = 0;
    for (const each of this.#catalog.list()) {
      if (!each.custom || digests.has(each)) continue;
      written += digestOf(each).read;
      if (written < charactersPerTurn) continue;
      written = 0;
      await turnOfEventLoop();
    }
    // What has come meanwhile is little.
    this.#index ??= this.#makeIndex();
    return this.#index;
  }

  #makeIndex(): ReadonlyMap<string, string> {
    this.#table ??= createHash('sha256').update(definitionsJson).update(operationsJson).digest('hex');
    const table = this.#table;
    const groups = this.#catalog.groups().flatMap(({ group, versions }) => {
      const places = versions.map((each) => place(group, each));
      return group === '' || !this.#catalog.hasBuiltIn(group) ? places : [`apis/${group}`, ...places];
    });
    const hashes = [...new Set([...ownPlaces, ...groups])].sort().map((each) => {
      const content = contentOf(this.#servedIn(each));
      return [each, createHash('sha512').update(`${table}${each}${content}`).digest('hex').toUpperCase()] as const;
    });
    return new Map(hashes);
  }

  async #versionTwo(accept: string | undefined, ifNoneMatch: string | undefined): Promise<Reply | LongReply> {
    const headers = { vary: 'Accept-Encoding, Accept' };
    const form = wanted(accept, formsOfTwo);
    if (form === undefined) return empty(406, headers);
    const contentType = form.mediaType;
    const hashes = await this.#hashes();
    const documents = this.#extensions?.openApiDocuments() ?? [];
    // One tag for both forms: it names what they are made from.
    const hash = createHash('sha512').update([...hashes.values()].join());
    if (documents.length > 0) hash.update(JSON.stringify(documents));
    const etag = `"${hash.digest('hex').toUpperCase()}"`;
    const tagged = { ...headers, etag };
    if (ifNoneMatch === etag) return { code: 304, contentType, body: '', headers: tagged };
    const added = documents.length === 0 ? undefined : addedByOthers(this.#own(), documents);
    const pieces = await this.#write([...hashes.keys()], form, added);
    return { code: 200, contentType, pieces, headers: tagged };
  }

  /** What is served changes while it is written: all that is looked at is taken before the first turn of others. */
  async #write(
    places: readonly string[],
    form: DocumentForm,
    added: { readonly paths: object; readonly definitions: object } = { paths: {}, definitions: {} },
  ): Promise<readonly Buffer[]> {
    const { tables, parts } = this.#load();
    const custom = places.flatMap((each) => this.#servedIn(each).filter((resource) => resource.custom));
    const paths: Buffer[] = [];
    const schemas: Buffer[] = [];
    const roots = new Set<string>();
    const take = (part: DocumentPart) => {
      if (part.paths.length > 0) paths.push(part.paths);
      if (part.schemas.length > 0) schemas.push(part.schemas);
      for (const each of part.roots) roots.add(each);
      return parts.rest();
    };
    for (const each of places) await take(parts.ofPlace(each, this.#catalog, form));
    for (const each of custom) await take(parts.ofCustom(each, form));
    schemas.push(...(await parts.shared(roots, form)));
    void take({ paths: form.paths(added.paths), schemas: form.schemas(added.definitions), roots: [] });
    return form.document(paths, schemas, tables);
  }

  /** What the document of version 2 has of this server's own, for who adds to it. */
  #own(): OwnDocument {
    const { tables, parts } = this.#load();
    const custom = new Map<string, ServedResource>();
    for (const each of this.#catalog.list()) {
      if (!each.custom) continue;
      const name = customSchemaName(each.group, each.version, each.kind);
      custom.set(name, each).set(`${name}List`, each);
    }
    const paths = new Map<string, ReadonlySet<string>>();
    const pathsIn = (name: string) => {
      const builtin = parts.servedIn(name, this.#catalog);
      const { operations } = customOperations(
        this.#servedIn(name).filter((each) => each.custom),
        tables,
      );
      return new Set([...builtin, ...operations].map(({ path }) => path));
    };
    return {
      hasPath(path) {
        const name = placeOfPath(path);
        const known = paths.get(name) ?? pathsIn(name);
        paths.set(name, known);
        return known.has(path);
      },
      definition(name) {
        const resource = custom.get(name);
        return resource ? customSchemas(resource, openApi2)[name] : parts.definition(name, openApi2);
      },
    };
  }

  #servedIn(name: string): readonly ServedResource[] {
    const [first, ...rest] = name.split('/');
    if (first === 'api') return this.#catalog.inVersion('', rest[0] ?? '');
    return first === 'apis' && rest.length === 2 ? this.#catalog.inVersion(rest[0] ?? '', rest[1] ?? '') : [];
  }

  #load() {
    if (!this.#loaded) {
      const tables = loadTables();
      this.#loaded = { tables, parts: new DocumentParts(tables) };
    }
    return this.#loaded;
  }
}

const contents = new WeakMap<readonly ServedResource[], string>();

/** What tells whether a version of a group is what it was. */
function contentOf(served: readonly ServedResource[]): string {
  let content = contents.get(served);
  if (content === undefined) {
    content = served.map((each) => (each.custom ? digestOf(each).text : each.resource)).join();
    contents.set(served, content);
  }
  return content;
}

interface Digest {
  readonly text: string;
  /** Of how many characters it is. */
  readonly read: number;
}

const digests = new WeakMap<ServedResource, Digest>();
const charactersPerTurn = 128 * 1024;

/** Of a custom resource, worked out once: thousands stay as they are when one more comes. */
function digestOf(resource: ServedResource): Digest {
  let digest = digests.get(resource);
  if (digest === undefined) {
    const json = JSON.stringify(resource);
    digest = { text: createHash('sha256').update(json).digest('base64'), read: json.length };
    digests.set(resource, digest);
  }
  return digest;
}

const empty = (code: number, headers: Reply['headers']): Reply => ({ code, contentType: '', body: '', headers });

/** The form that the Accept header prefers; `@` is how some clients write the first dot of the version. */
function wanted(accept: string | undefined, [plain, ...others]: readonly DocumentForm[]): DocumentForm | undefined {
  for (const { mediaType } of parseAccept(accept)) {
    if (mediaType === plain?.mediaType || mediaType === '*/*' || mediaType === 'application/*') return plain;
    const found = others.find((each) => mediaType.replace('@', '.') === each.mediaType);
    if (found) return found;
  }
  return undefined;
}

const place = (group: string, each: string) => (group === '' ? `api/${each}` : `apis/${group}/${each}`);
