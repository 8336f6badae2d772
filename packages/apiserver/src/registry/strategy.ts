import type { FieldError, KubernetesObject, RequestOptions, ResourceType } from '@keelson/core';
import type { UserInfo } from './contract.ts';
import type { Draft } from './draft.ts';

/** Collects everything that is wrong with an object, so that it can be said at once. */
export class FieldErrors {
  readonly list: FieldError[] = [];

  required(field: string, why = ''): void {
    this.list.push({ type: 'FieldValueRequired', field, message: `Required value${why === '' ? '' : `: ${why}`}` });
  }
  invalid(field: string, value: unknown, why: string): void {
    this.list.push({ type: 'FieldValueInvalid', field, message: `Invalid value: ${show(value)}: ${why}` });
  }
  duplicate(field: string, value: unknown): void {
    this.list.push({ type: 'FieldValueDuplicate', field, message: `Duplicate value: ${show(value)}` });
  }
  duplicateBecause(field: string, value: unknown, why: string): void {
    this.list.push({ type: 'FieldValueDuplicate', field, message: `Duplicate value: ${show(value)}: ${why}` });
  }
  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const values = supported.map((each) => JSON.stringify(each)).join(', ');
    this.list.push({
      type: 'FieldValueNotSupported',
      field,
      message: `Unsupported value: ${typed(value)}${values === '' ? '' : `: supported values: ${values}`}`,
    });
  }
  forbidden(field: string, why: string): void {
    this.list.push({ type: 'FieldValueForbidden', field, message: `Forbidden: ${why}` });
  }
  notFound(field: string, value: unknown): void {
    this.list.push({ type: 'FieldValueNotFound', field, message: `Not found: ${show(value)}` });
  }
  notFoundBecause(field: string, value: unknown, why: string): void {
    this.list.push({ type: 'FieldValueNotFound', field, message: `Not found: ${show(value)}: ${why}` });
  }
  internal(field: string, why: string): void {
    this.list.push({ type: 'InternalError', field, message: `Internal error: ${why}` });
  }
  tooLong(field: string, most: number): void {
    this.list.push({ type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${most} bytes` });
  }
  tooMany(field: string, have: number, most: number): void {
    this.list.push({
      type: 'FieldValueTooMany',
      field,
      message: `Too many: ${have}: must have at most ${most} item${most === 1 ? '' : 's'}`,
    });
  }
  /** Adds `Invalid value` for each sentence that a name rule found wrong. */
  rule(field: string, value: string, sentences: readonly string[]): void {
    for (const each of sentences) this.invalid(field, value, each);
  }
}

/** As Go prints values in these messages: strings quoted, objects as JSON. */
function show(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return String(value);
  return forHtml(JSON.stringify(value ?? null));
}

/** An integer has all its digits, where JavaScript would round them. */
function numberText(value: number): string {
  const isLong = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) <= 2 ** 63;
  return isLong ? BigInt(value).toString() : String(value);
}

/** A string of a type of its own, which Go prints as JSON, for HTML to hold. */
function typed(value: unknown): string {
  return typeof value === 'string' ? forHtml(JSON.stringify(value)) : show(value);
}

/** Go writes JSON so that it can stand in HTML. */
const forHtml = (json: string) => json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${hex(char, 4)}`);

const goEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};
const hex = (char: string, digits: number) => (char.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');
const needsEscape = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const escaped = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A Go string literal, as `%q` prints it. */
export function goQuote(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  return `"${text.replace(escaped, (char) => {
    const known = goEscapes[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${hex(char, 2)}`;
    return code < 0x10000 ? `\\u${hex(char, 4)}` : `\\U${hex(char, 8)}`;
  })}"`;
}

/** What a strategy may know about the write besides the object. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Seconds precision, RFC 3339. */
  readonly now: () => string;
  readonly warn: (text: string) => void;
  /** A version 4 UUID (RFC 9562). */
  readonly uid: () => string;
}

/** Taken back when the write fails or was only a dry run. */
export interface Reservation {
  commit(): Promise<void>;
  release(): Promise<void>;
}

/**
 * What is special about one kind on its way into the store (Kubernetes' word for it). Everything is optional: a kind
 * without a strategy is stored as its schema allows. A draft belongs to the request and may be written into.
 */
export interface Strategy<T extends KubernetesObject = KubernetesObject> {
  /** Fills in defaults, on every create, update and patch. */
  defaults?(object: Draft<T>, now: () => string): void;
  prepareCreate?(object: Draft<T>, context: WriteContext): void;
  prepareUpdate?(object: Draft<T>, old: T, context: WriteContext): void;
  prepareStatusUpdate?(object: Draft<T>, old: T, context: WriteContext): void;
  /** Before a write through a subresource other than status. */
  prepareSubresource?(subresource: string, object: Draft<T>, old: T, context: WriteContext): void;
  /** `old` on an update: values that were stored before a rule came may stay. */
  validate?(object: T, errors: FieldErrors, old?: T): void;
  /** After `validate`, and after metadata, where Kubernetes looks at that in between. */
  validateCreate?(object: T, errors: FieldErrors): void;
  validateUpdate?(object: T, old: T, errors: FieldErrors): void;
  /** Fields that no update may change, of kinds where that is said before anything else of the object. */
  validateFixed?(object: T, old: T, errors: FieldErrors): void;
  validateStatusUpdate?(object: T, old: T, errors: FieldErrors): void;
  /**
   * A write through a subresource other than status. Default: as an update of the whole object, without
   * `validateUpdate`.
   */
  validateSubresource?(subresource: string, object: T, old: T, errors: FieldErrors): void;
  /** Said beside the answer to a create or update that is valid; `old` is undefined on create. */
  warnings?(object: T, old: T | undefined): readonly string[];
  /** Sentences that are wrong with a name. Default: an RFC 1123 subdomain. */
  nameRule?(name: string, object: T, old?: T): readonly string[];
  /** The rule is for names alone: a `generateName` may be whatever can stand in a path. */
  readonly freePrefix?: boolean;
  /** An object that comes without any name is given one. */
  readonly namesItself?: boolean;
  /** A `generateName` is the name as it stands. */
  readonly generatesNoNames?: boolean;
  /** Takes something that only one object may have, such as an address. `old` is undefined on create. */
  reserve?(
    object: Draft<T>,
    old: T | undefined,
    errors: FieldErrors,
    context: WriteContext,
  ): Promise<Reservation | undefined>;
  /** What is wrong with a new status that only other objects tell; said before all else. */
  askBeforeStatus?(object: T, old: T, errors: FieldErrors): Promise<void>;
  /** Runs a write of the status, from the read that it begins with, where it must be alone with something. */
  aloneForStatus?<R>(namespace: string | undefined, write: () => Promise<R>): Promise<R>;
  /** What the server knows better than whoever writes a status that has been found valid. */
  settleStatus?(object: Draft<T>, old: T, context: WriteContext): Promise<void>;
  /** Gives back what `reserve` took, after the object is gone. */
  released?(object: T): Promise<void>;
  /** The default seconds between deletion and disappearance; undefined: it disappears at once. */
  gracePeriod?(object: T, asked: number | undefined): number | undefined;
  /** Changes that need a new generation. Default: anything outside of metadata and status. */
  readonly generation?: 'never' | 'spec';
  /** An empty list or map in the place of none is such a change, too. */
  readonly hollowChanges?: boolean;
  /** Free-form values in it are told apart by the order of their members: a patch leaves the order that Go would. */
  readonly comparesBytes?: boolean;
  /** Whether a create keeps the status that it is given; default: no, where there is a status subresource. */
  readonly keepsStatusOnCreate?: boolean;
  /** Whether an update of the object may change its status, too; default: no, where there is a status subresource. */
  readonly keepsStatusOnUpdate?: boolean;
  /**
   * The first update after a create is always a new version, even of what changes nothing: what a create stores lacks
   * a default that shows when it is read, and that the first update stores.
   */
  readonly writesFirstUpdate?: boolean;
  /** PUT creates what is not there. */
  readonly createOnUpdate?: boolean;
  /** Whether an update may leave out resourceVersion. Default: yes. */
  readonly unconditionalUpdate?: boolean;
  /**
   * What the first deletion does instead of what it does to other kinds, for objects that something in the server
   * takes apart: it marks the object with `now` (RFC 3339) and leaves it there.
   */
  beginDeletion?(object: Draft<T>, options: RequestOptions, now: string): void;
  /** Whether a delete that does not say how to propagate leaves the dependents alone. */
  readonly orphansByDefault?: boolean;
  /** What is said to who deletes without saying how to propagate. */
  readonly deletionWarning?: string;
  /** Nothing can depend on objects of the kind: propagation leaves no finalizers on them. */
  readonly withoutDependents?: boolean;
}

/** A strategy under the name of its resource, its type erased. */
export interface NamedStrategy {
  readonly group: string;
  readonly resource: string;
  readonly strategy: Strategy;
}

/**
 * Binds a strategy to its kind. The registry calls it only with objects that have been decoded by that kind's schema,
 * which is what makes the narrower parameter types true.
 */
export function strategyFor<T extends KubernetesObject>(type: ResourceType<T>, strategy: Strategy<T>): NamedStrategy {
  return { group: type.group, resource: type.plural, strategy: strategy as Strategy };
}
