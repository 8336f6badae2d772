import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';
import { customOperations } from './custom-operations.ts';
import { withDescriptions } from './descriptions.ts';
import type { DocumentForm } from './forms.ts';
import { pathItems } from './path-items.ts';
import { customSchemas, type Json, reachable, type SchemaStyle, toOpenApi } from './schemas.ts';
import type { OpenApiTables, Operation } from './tables.ts';

/** A part of a document, written already. */
export interface DocumentPart {
  readonly paths: Buffer;
  readonly schemas: Buffer;
  /** Names of the table's definitions that the part leads to, and that stand elsewhere. */
  readonly roots: readonly string[];
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const ofEveryCustom = [`${meta}.ObjectMeta`, `${meta}.ListMeta`];

const definitionsAtOnce = 20;
/** Work for about a millisecond or two, as measured in what it makes. */
const bytesPerTurn = 64 * 1024;

/** What OpenAPI says of one resource, of one place or of one set of definitions; each is written once in each form. */
export class DocumentParts {
  readonly tables: OpenApiTables;
  /** A custom resource's part goes with it. */
  readonly #custom = new Map<DocumentForm, WeakMap<ServedResource, DocumentPart>>();
  /** There are as many as there are built-in places. */
  readonly #builtin = new Map<DocumentForm, Map<string, DocumentPart>>();
  /** By the names of all definitions: custom resources lead to few different sets. */
  readonly #shared = new Map<DocumentForm, Map<string, readonly Buffer[]>>();

  /** Bytes since others had the event loop. */
  #written = 0;

  constructor(tables: OpenApiTables) {
    this.tables = tables;
  }

  /** Undefined: go on at once; else others get the event loop first, since much was written. */
  rest(): Promise<void> | undefined {
    if (this.#written < bytesPerTurn) return undefined;
    this.#written = 0;
    return turnOfEventLoop();
  }

  ofCustom(resource: ServedResource, form: DocumentForm): DocumentPart {
    const known = this.#custom.get(form) ?? new WeakMap<ServedResource, DocumentPart>();
    this.#custom.set(form, known);
    let part = known.get(resource);
    if (!part) {
      const { operations, pathParameters } = customOperations([resource], this.tables);
      const paths = pathItems(operations, { parameters: this.tables.parameters, pathParameters }, form.style);
      const schemas = described(customSchemas(resource, form.style));
      const roots = [...ofEveryCustom, ...rootsOf(operations)].filter((each) => !(each in schemas));
      part = { paths: form.paths(paths), schemas: form.schemas(schemas), roots };
      known.set(resource, part);
      this.#written += part.paths.length + part.schemas.length;
    }
    return part;
  }

  /** The built-in operations of a place such as `apis/apps/v1`; which of them are served never changes. */
  ofPlace(place: string, catalog: ResourceCatalog, form: DocumentForm): DocumentPart {
    const known = this.#builtin.get(form) ?? new Map<string, DocumentPart>();
    this.#builtin.set(form, known);
    let part = known.get(place);
    if (!part) {
      const operations = this.servedIn(place, catalog);
      const paths = form.paths(pathItems(operations, this.tables, form.style));
      part = { paths, schemas: Buffer.alloc(0), roots: rootsOf(operations) };
      this.#written += paths.length;
      // A place of custom resources may come and go, and has nothing of its own.
      if (operations.length > 0) known.set(place, part);
    }
    return part;
  }

  servedIn(place: string, catalog: ResourceCatalog): readonly Operation[] {
    const operations = this.tables.byPlace.get(place) ?? [];
    if (operations.length === 0) return [];
    const [first, ...rest] = place.split('/');
    const [group = '', version = ''] = first === 'api' ? ['', ...rest] : rest;
    const served = new Set(catalog.inVersion(group, version).map(({ resource }) => resource));
    return operations.filter((each) => isServed(each, place, served));
  }

  /** The definitions that these lead to, in pieces. */
  async shared(roots: ReadonlySet<string>, form: DocumentForm): Promise<readonly Buffer[]> {
    const known = this.#shared.get(form) ?? new Map<string, readonly Buffer[]>();
    this.#shared.set(form, known);
    const key = [...roots].sort().join();
    const written = known.get(key);
    if (written) return written;
    const names = [...reachable(this.tables.definitions, roots)].sort();
    const pieces: Buffer[] = [];
    for (let at = 0; at < names.length; at += definitionsAtOnce) {
      const some = names.slice(at, at + definitionsAtOnce);
      const schemas = some.map((name) => [name, this.definition(name, form.style) ?? {}]);
      const piece = form.schemas(Object.fromEntries(schemas));
      pieces.push(piece);
      this.#written += piece.length;
      await this.rest();
    }
    known.set(key, pieces);
    return pieces;
  }

  definition(name: string, style: SchemaStyle): Json | undefined {
    const schema = this.tables.definitions[name];
    return schema && withDescriptions(name, toOpenApi(schema, style, name));
  }
}

const described = (schemas: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withDescriptions(name, schema)]));

const rootsOf = (operations: readonly Operation[]): readonly string[] => [
  ...new Set(operations.flatMap(({ body, answer }) => [body, answer]).filter((each) => each !== undefined)),
];

/** Whether the resource that a path leads to is served in this version. */
function isServed({ path, kind }: Operation, placeName: string, served: ReadonlySet<string>): boolean {
  if (kind === undefined) return true;
  const rest = path.slice(placeName.length + 2).replace(/^watch\//, '');
  const parts = rest.split('/');
  // Below a namespace lies a resource, or a subresource of the namespace itself.
  const at = parts[0] === 'namespaces' && parts[1] === '{namespace}' ? parts[2] : parts[0];
  return served.has(at ?? '') || served.has(parts[0] ?? '');
}
