import { createHash } from 'node:crypto';
import type { Annotations, EncryptedObject } from './messages.ts';

const longestKeyId = 1024;
const longestSource = 1024;
const longestAnnotations = 32 * 1024;

/** What is wrong with the id of a key, in Kubernetes' words; undefined: nothing. */
export function keyIdProblem(keyId: string): string | undefined {
  const length = Buffer.byteLength(keyId);
  if (length === 0) return 'keyID is empty';
  return length > longestKeyId ? `keyID is ${length} bytes, which exceeds the max size of ${longestKeyId}` : undefined;
}

/** As keys are told in messages: their ids are nobody's business. */
export const keyIdHash = (keyId: string) =>
  keyId === '' ? '' : `sha256:${createHash('sha256').update(keyId).digest('hex')}`;

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

function annotationsProblem(annotations: Annotations): string | undefined {
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const labels = key.split('.');
    if (labels.length < 2 || key.length > 253 || !labels.every((each) => label.test(each))) {
      return `annotations: Invalid value: ${JSON.stringify(key)}: should be a domain with at least two segments separated by dots`;
    }
    size += Buffer.byteLength(key) + value.length;
  }
  return size > longestAnnotations
    ? `total size of annotations is ${size}, which exceeds the max size of ${longestAnnotations}`
    : undefined;
}

/** Throws where an envelope is none, as Kubernetes does. */
export function checkEnvelope({ encryptedSource, keyId, annotations }: Omit<EncryptedObject, 'encryptedData'>): void {
  const { length } = encryptedSource;
  if (length === 0 || length > longestSource) {
    throw new Error(
      `failed to validate encrypted DEK source: encrypted DEK source is ${length === 0 ? 'empty' : `${length} bytes, which exceeds the max size of ${longestSource}`}`,
    );
  }
  const id = keyIdProblem(keyId);
  if (id !== undefined) throw new Error(`failed to validate key id: ${id}`);
  const noted = annotationsProblem(annotations);
  if (noted !== undefined) throw new Error(`failed to validate annotations: ${noted}`);
}

/** Names what a plugin decrypts: one encrypted source with all that belongs to it. */
export function sourceName({
  sourceType,
  encryptedSource,
  keyId,
  annotations,
}: Omit<EncryptedObject, 'encryptedData'>) {
  const hash = createHash('sha256').update(`${sourceType}\0${keyId.length}\0${keyId}\0${encryptedSource.length}\0`);
  hash.update(encryptedSource);
  for (const key of Object.keys(annotations).sort()) {
    const value = annotations[key] ?? new Uint8Array();
    hash.update(`\0${key.length}\0${key}\0${value.length}\0`).update(value);
  }
  return hash.digest('base64');
}
