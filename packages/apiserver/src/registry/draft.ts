import type { KubernetesObject } from '@keelson/core';

/** An object that nobody else has seen yet, so that defaulting and preparation may write into it. */
export type Draft<T> = T extends string | number | boolean | undefined | null
  ? T
  : T extends readonly (infer Item)[]
    ? Draft<Item>[]
    : T extends object
      ? { -readonly [Field in keyof T]: Draft<T[Field]> }
      : T;

export type ObjectDraft = Draft<KubernetesObject> & { spec?: unknown; status?: unknown };

/** Plain JSON, for code that walks objects without knowing their kind. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A view of an object as plain JSON. */
export function asJson(object: KubernetesObject): Readonly<Json> {
  return object as KubernetesObject & Json;
}

/** The same draft as plain JSON, for code that works on every kind. */
export function draftJson(object: ObjectDraft): Json {
  return object as ObjectDraft & Json;
}
