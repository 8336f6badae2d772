import { existsSync, readFileSync } from 'node:fs';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

export const fullObjectsFile = new URL('../generated/full-objects.json', import.meta.url);

function read(): ReadonlyMap<string, JsonObject> {
  if (!existsSync(fullObjectsFile)) return new Map();
  const value: Json = JSON.parse(readFileSync(fullObjectsFile, 'utf8'));
  return new Map(
    Object.entries(isObject(value) ? value : {}).flatMap(([kind, each]) =>
      isObject(each) ? [[kind, each] as const] : [],
    ),
  );
}

/** The fullest object of each kind that the real server takes, by `npm run twin -- --learn`. */
export const fullObjects = read();

/** The full object: made, read back in every form, written again, applied. */
export const full: Scenario = (kind, rng) => {
  const object = fullObjects.get(kind.id);
  if (!object) return undefined;
  const item = itemPath(kind);
  const applied: Step = {
    method: 'PATCH',
    path: item,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    query: { fieldManager: 'applier' },
    json: object,
  };
  return [
    rng.bool(0.7) ? post(kind, object) : { ...applied, id: 'made' },
    { method: 'GET', path: item, headers: { accept: 'application/yaml' } },
    { method: 'GET', path: item, headers: { accept: 'application/vnd.kubernetes.protobuf' } },
    { method: 'GET', path: item, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
    { method: 'PUT', path: item, from: { step: 'made', merge: {} } },
    applied,
    applied,
    { method: 'PUT', path: item, json: object },
    { method: 'DELETE', path: item },
  ];
};
