/**
 * What an object's annotation says of an external resource: that this very object has it made, so that it may be
 * changed and deleted. It is there before the resource is.
 */
export interface ExternalNote {
  /** `adopted`: it was there before, and stays when the object goes. */
  readonly state: 'made' | 'adopted';
  /** The name that the other side gave it. */
  readonly remoteId?: string;
}

/** Under which annotation: at most 63 characters, as names of dependents are checked to be. */
export function noteAnnotation(dependent: string): string {
  return `external.keelson.dev/${dependent}`;
}

/** As `formatNote` writes it; what another object (a copy, a restored one) noted is no note of this one. */
export function parseNote(text: string | undefined, uid: string | undefined): ExternalNote | undefined {
  const [owner, state, ...rest] = text?.split(' ') ?? [];
  if (uid === undefined || owner !== uid || (state !== 'made' && state !== 'adopted')) return undefined;
  const remoteId = rest.join(' ');
  return { state, ...(remoteId && { remoteId }) };
}

export function formatNote(uid: string, { state, remoteId }: ExternalNote): string {
  return [uid, state, ...(remoteId === undefined ? [] : [remoteId])].join(' ');
}
