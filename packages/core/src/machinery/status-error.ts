import type { Status, StatusCause } from '../api/index.ts';

/** `metav1.StatusReason`: the machine-readable reasons that clients switch on. */
export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable'
  | '';

/** One finding of validation; `field` is a path such as `spec.containers[0].name`. */
export interface FieldError {
  readonly type:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'FieldValueTypeInvalid'
    | 'InternalError';
  readonly field: string;
  /** The whole sentence after the path, as Kubernetes prints it: `Invalid value: "x": must be …`. */
  readonly message: string;
}

/** Which kind an error is about. */
export interface ResourceName {
  readonly group: string;
  /** Plural resource name; for `Invalid` the kind. */
  readonly resource: string;
}

const qualified = ({ group, resource }: ResourceName) => (group === '' ? resource : `${resource}.${group}`);

/** An answer of the API that is not a success, as the `Status` object that went (or will go) over the wire. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;

  constructor(status: Partial<Status>) {
    super(status.message ?? status.reason ?? `HTTP ${status.code ?? 500}`);
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...status } as Status;
  }

  /** HTTP status code. */
  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): StatusReason {
    return (this.status.reason ?? '') as StatusReason;
  }

  static of(code: number, reason: StatusReason, message: string, details?: Status['details']): StatusError {
    return new StatusError({ status: 'Failure', message, reason, ...(details && { details }), code });
  }

  static notFound(type: ResourceName, name: string): StatusError {
    return StatusError.of(404, 'NotFound', `${qualified(type)} "${name}" not found`, details(type, name));
  }

  static alreadyExists(type: ResourceName, name: string): StatusError {
    return StatusError.of(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, details(type, name));
  }

  static conflict(
    type: ResourceName,
    name: string,
    why = 'the object has been modified; please apply your changes to the latest version and try again',
  ): StatusError {
    return StatusError.of(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`,
      details(type, name),
    );
  }

  static forbidden(type: ResourceName, name: string, why: string): StatusError {
    const what = name === '' ? qualified(type) : `${qualified(type)} "${name}"`;
    return StatusError.of(403, 'Forbidden', `${what} is forbidden: ${why}`, details(type, name));
  }

  /** `resource` is the kind here, as Kubernetes prints it: `Pod "x" is invalid: …`. */
  static invalid(type: ResourceName, name: string, errors: readonly FieldError[]): StatusError {
    const lines = errors.map((each) => `${each.field}: ${each.message}`);
    const unique = [...new Set(lines)];
    const text = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`;
    const causes: StatusCause[] = errors.map((each) => ({
      reason: each.type,
      message: each.message,
      field: each.field,
    }));
    return StatusError.of(422, 'Invalid', `${qualified(type)} "${name}" is invalid: ${text}`, {
      ...details(type, name),
      causes,
    });
  }

  static badRequest(message: string): StatusError {
    return StatusError.of(400, 'BadRequest', message);
  }

  static unauthorized(message = 'Unauthorized'): StatusError {
    return StatusError.of(401, 'Unauthorized', message);
  }

  /** 410: the revision asked for is no longer kept; list anew. */
  static expired(message: string): StatusError {
    return StatusError.of(410, 'Expired', message);
  }

  static internal(message: string): StatusError {
    return StatusError.of(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
  }

  static methodNotAllowed(message: string): StatusError {
    return StatusError.of(405, 'MethodNotAllowed', message);
  }
}

function details(type: ResourceName, name: string): NonNullable<Status['details']> {
  return {
    ...(name !== '' && { name }),
    ...(type.group !== '' && { group: type.group }),
    ...(type.resource !== '' && { kind: type.resource }),
  };
}

/** Whether an error is an API answer, with one of these reasons if any are given. */
export function isStatusError(error: unknown, ...reasons: readonly StatusReason[]): error is StatusError {
  return (
    error instanceof Error &&
    error.name === 'StatusError' &&
    (reasons.length === 0 || reasons.includes((error as StatusError).reason))
  );
}
