import { groupBy } from '@keelson/core/machinery';
import { z } from 'zod';
import type { Schema } from '../registry/contract.ts';
import { definitionsJson } from '../schema/generated/definitions.ts';
import { operationsJson } from '../schema/generated/operations.ts';

const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'body']),
  type: z.string().optional(),
  required: z.boolean().optional(),
  uniqueItems: z.boolean().optional(),
  schema: z.object({ $ref: z.string() }).optional(),
});
export type Parameter = z.infer<typeof Parameter>;

/** What many operations have in common. */
const Shape = z.object({
  action: z.string().optional(),
  /** Keys of the table of parameters, as OpenAPI v2 lists them; `body` alone stands for the object itself. */
  parameters: z.string().optional(),
  bodyRequired: z.boolean().optional(),
  /** Codes of the answers, with `+` where one has content. */
  codes: z.string(),
  consumes: z.array(z.string()).optional(),
  produces: z.array(z.string()).optional(),
  schemes: z.string(),
});
export type Shape = z.infer<typeof Shape>;

const Operation = z.object({
  path: z.string(),
  method: z.string(),
  action: z.string().optional(),
  kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }).optional(),
  id: z.string(),
  tag: z.string(),
  shape: z.number(),
  body: z.string().optional(),
  answer: z.string().optional(),
});
/** One method of one path; `body` and `answer` name schemas, `string` stands for itself. */
export type Operation = Omit<z.infer<typeof Operation>, 'shape'> & { readonly shape: Shape };

const Table = z.object({
  parameters: z.record(z.string(), Parameter),
  paths: z.record(z.string(), z.string()),
  shapes: z.array(Shape),
  operations: z.array(Operation),
});

const Definitions: z.ZodType<Readonly<Record<string, Schema>>> = z.record(z.string(), z.looseObject({}));

export interface OpenApiTables {
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Keys of the parameters that all methods of a path have. */
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly shapes: readonly Shape[];
  /** By the place of their document, such as `apis/apps/v1`. */
  readonly byPlace: ReadonlyMap<string, readonly Operation[]>;
}

export function loadTables(): OpenApiTables {
  const { parameters, paths, shapes, operations } = Table.parse(JSON.parse(operationsJson));
  const none: Shape = { codes: '', schemes: '' };
  return {
    definitions: Definitions.parse(JSON.parse(definitionsJson)),
    parameters,
    pathParameters: paths,
    shapes,
    byPlace: groupBy(
      operations.map((each): Operation => ({ ...each, shape: shapes[each.shape] ?? none })),
      ({ path }) => placeOfPath(path),
    ),
  };
}

/** The document of OpenAPI v3 that a path is in. */
export function placeOfPath(path: string): string {
  const parts = path.split('/').filter((each) => each !== '');
  if (parts[0] === 'api') return parts.slice(0, 2).join('/');
  return parts.slice(0, 3).join('/');
}
