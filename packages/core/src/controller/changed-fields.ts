import type { KubernetesObject } from '../api/index.ts';
import { isJsonObject, type JsonObject, jsonPatchBetween } from '../machinery/index.ts';

/** What every write changes, and says nothing. */
const bookkeeping = new Set(['resourceVersion', 'managedFields', 'generation']);

/** The fields in which two states of an object differ, such as `spec.replicas`; at most `most`, then `…`. */
export function changedFields(before: KubernetesObject, after: KubernetesObject, most = 8): readonly string[] {
  const paths = jsonPatchBetween(plain(before), plain(after)).map(({ path }) => fieldOf(path));
  return paths.length > most ? [...paths.slice(0, most), '…'] : paths;
}

function plain(object: KubernetesObject): JsonObject {
  if (!isJsonObject(object)) return {};
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  if (!isJsonObject(metadata)) return rest;
  return { ...rest, metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => !bookkeeping.has(key))) };
}

/** As people write a path, from a JSON pointer. */
function fieldOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((each) => (/^\d+$/.test(each) ? `[${each}]` : /^\w+$/.test(each) ? `.${each}` : `[${JSON.stringify(each)}]`))
    .join('')
    .replace(/^\./, '');
}
