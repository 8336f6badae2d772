import { version } from '../http/version.ts';
import { sharedParameters } from './path-items.ts';
import { documentV2, pathsV2, protobufV2MediaType, schemasV2 } from './protobuf-v2.ts';
import { documentV3, pathsV3, protobufV3MediaType, schemasV3 } from './protobuf-v3.ts';
import { openApi2, openApi3, type SchemaStyle } from './schemas.ts';
import type { OpenApiTables } from './tables.ts';

/** How a version of OpenAPI is written, of parts that are written by themselves. */
export interface DocumentForm {
  readonly mediaType: string;
  readonly style: SchemaStyle;
  /** Entries of the object of all paths; nothing where there are none. */
  paths(paths: object): Buffer;
  schemas(schemas: object): Buffer;
  /** The whole, in pieces. */
  document(paths: readonly Buffer[], schemas: readonly Buffer[], tables: OpenApiTables): readonly Buffer[];
}

const info = { title: 'Kubernetes', version: `${version.major}.${version.minor}` };
const securityScheme = { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } };
const security = [{ BearerToken: [] }];
const openapi = '3.0.0';
const json = 'application/json';

const comma = Buffer.from(',');
const separated = (parts: readonly Buffer[]) => parts.flatMap((each, at) => (at === 0 ? [each] : [comma, each]));

/** Without the braces. */
const members = (object: object) => Buffer.from(JSON.stringify(object).slice(1, -1));
const text = (value: unknown) => JSON.stringify(value);

const jsonTwo: DocumentForm = {
  mediaType: json,
  style: openApi2,
  paths: members,
  schemas: members,
  document(paths, schemas, tables) {
    const parameters = text(sharedParameters(tables, openApi2));
    const end = `"parameters":${parameters},"securityDefinitions":${text(securityScheme)},"security":${text(security)}}`;
    return [
      Buffer.from(`{"swagger":"2.0","info":${text(info)},"paths":{`),
      ...separated(paths),
      Buffer.from('},"definitions":{'),
      ...separated(schemas),
      Buffer.from(`},${end}`),
    ];
  },
};

const jsonThree: DocumentForm = {
  mediaType: json,
  style: openApi3,
  paths: members,
  schemas: members,
  document(paths, schemas) {
    const schemaPart = [Buffer.from('"schemas":{'), ...separated(schemas), Buffer.from('},')];
    return [
      Buffer.from(`{"openapi":"${openapi}","info":${text(info)},"paths":{`),
      ...separated(paths),
      Buffer.from('},"components":{'),
      ...(schemas.length > 0 ? schemaPart : []),
      Buffer.from(`"securitySchemes":${text(securityScheme)}}}`),
    ];
  },
};

const protobufTwo: DocumentForm = {
  mediaType: protobufV2MediaType,
  style: openApi2,
  paths: pathsV2,
  schemas: schemasV2,
  document: (paths, schemas, tables) =>
    documentV2(paths, schemas, {
      info,
      parameters: sharedParameters(tables, openApi2),
      securityDefinitions: securityScheme,
      security,
    }),
};

const protobufThree: DocumentForm = {
  mediaType: protobufV3MediaType,
  style: openApi3,
  paths: pathsV3,
  schemas: schemasV3,
  document: (paths, schemas) => documentV3(paths, schemas, { openapi, info, securitySchemes: securityScheme }),
};

/** The forms of each version, JSON first. */
export const formsOfTwo: readonly DocumentForm[] = [jsonTwo, protobufTwo];
export const formsOfThree: readonly DocumentForm[] = [jsonThree, protobufThree];
