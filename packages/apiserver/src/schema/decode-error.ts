/** A JSON value that does not fit its schema; the message is the one that Kubernetes' decoder gives. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Where a value stands, as the decoder's messages name it: the Go struct, the dotted path without indices. */
export interface Place {
  readonly struct: string;
  readonly path: string;
  readonly goType: string;
}

/** `json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`. */
export function mismatch(value: unknown, place: Place): DecodeError {
  return new DecodeError(
    `json: cannot unmarshal ${describe(value)} into Go struct field ${place.struct}.${place.path} of type ${place.goType}`,
  );
}

export function outOfRange(value: number, place: Place): DecodeError {
  const text = Number.isInteger(value) ? BigInt(value).toString() : String(value);
  return new DecodeError(
    `json: cannot unmarshal number ${text} into Go struct field ${place.struct}.${place.path} of type ${place.goType}`,
  );
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
