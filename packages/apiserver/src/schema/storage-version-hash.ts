import { createHash } from 'node:crypto';

/** What discovery tells of the version in which a kind is stored: equal texts, equal versions. */
export function storageVersionHash(group: string, version: string, kind: string): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
