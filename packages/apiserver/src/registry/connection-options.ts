import { isJsonObject, type JsonObject, type KubernetesObject } from '@keelson/core';
import { jsonKind } from '@keelson/core/machinery';
import { DecodeError } from '../schema/index.ts';
import type { ServedSubresource } from './contract.ts';
import type { Json, ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';

type FieldType = 'bool' | 'string' | '[]string' | '[]int32';

const streams = { stdin: 'bool', stdout: 'bool', stderr: 'bool', tty: 'bool', container: 'string' } as const;
const path = { path: 'string' } as const;

/** The kinds of options that connections are asked for with; none of them is served by itself. */
const fieldsOf: Readonly<Record<string, Readonly<Record<string, FieldType>>>> = {
  PodExecOptions: { ...streams, command: '[]string' },
  PodAttachOptions: streams,
  PodPortForwardOptions: { ports: '[]int32' },
  PodProxyOptions: path,
  ServiceProxyOptions: path,
  NodeProxyOptions: path,
};

/** The options of a connection as a query has them, or a path of a proxied request, in the order of Go's fields. */
export function connectionOptions(kind: string, query: URLSearchParams, rest: string | undefined): JsonObject {
  const options: Record<string, JsonObject[string]> = {};
  for (const [name, type] of Object.entries(fieldsOf[kind] ?? {})) {
    const values = query.getAll(name);
    if (name === 'path') {
      if (rest !== undefined) options[name] = rest;
    } else if (type === 'bool') {
      const [first] = values;
      if (first !== undefined && !/^(?:false|0)$/i.test(first)) options[name] = true;
    } else if (type === 'string') {
      if (values[0]) options[name] = values[0];
    } else if (values.length > 0) {
      options[name] = type === '[]string' ? values : values.flatMap((each) => each.split(',').map(Number));
    }
  }
  return options;
}

/** The query with what admission has changed. */
export function changedQuery(kind: string, query: URLSearchParams, options: JsonObject): URLSearchParams {
  const changed = new URLSearchParams(query);
  for (const name of Object.keys(fieldsOf[kind] ?? {})) {
    changed.delete(name);
    const value = options[name];
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== false && name !== 'path') changed.append(name, String(each));
    }
  }
  return changed;
}

const kinds = new WeakMap<Kind, Map<string, Kind>>();

/** The options of a connection as if they were a kind of their own, served in the place of the resource. */
export function connectionKind(kind: Kind, own: ServedSubresource['kind']): Kind {
  const known = kinds.get(kind) ?? new Map<string, Kind>();
  kinds.set(kind, known);
  let made = known.get(own.kind);
  if (!made) {
    const apiVersion = own.group === '' ? own.version : `${own.group}/${own.version}`;
    made = {
      ...kind,
      apiVersion,
      served: { ...kind.served, ...own, custom: true },
      strategy: {},
      view: (object) => object,
      decode: (body) => ({ object: decodeOptions(body, own.kind, apiVersion), unknown: [] }),
    };
    known.set(own.kind, made);
  }
  return made;
}

function decodeOptions(body: Readonly<Record<string, unknown>>, kind: string, apiVersion: string): ObjectDraft {
  const { metadata } = body;
  const name = isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
  const object: ObjectDraft & Json = { kind, apiVersion, metadata: { name } };
  for (const [name, type] of Object.entries(fieldsOf[kind] ?? {})) {
    const value = body[name] ?? undefined;
    if (value === undefined) continue;
    if (!fits(value, type)) {
      throw new DecodeError(
        `json: cannot unmarshal ${jsonKind(value)} into Go struct field ${kind}.${name} of type ${type}`,
      );
    }
    object[name] = value;
  }
  return object;
}

function fits(value: unknown, type: FieldType): boolean {
  if (type === 'bool') return typeof value === 'boolean';
  if (type === 'string') return typeof value === 'string';
  const item = type === '[]string' ? 'string' : 'number';
  return Array.isArray(value) && value.every((each) => typeof each === item);
}

/** As admission gets them: with the name of what is connected to. */
export function asObject(options: JsonObject, own: ServedSubresource['kind'], name: string): ObjectDraft {
  const apiVersion = own.group === '' ? own.version : `${own.group}/${own.version}`;
  return { kind: own.kind, apiVersion, metadata: { name }, ...options };
}

/** Without what was only for admission. */
export function asOptions(object: KubernetesObject): JsonObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...options } = object;
  return isJsonObject(options) ? options : {};
}
