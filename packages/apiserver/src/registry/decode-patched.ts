import { goText, isJsonObject, type JsonValue, leftoverOfPatch, StatusError } from '@keelson/core';
import { DecodeError, InvalidFieldError, patchSchemaOf } from '../schema/index.ts';
import type { Call } from './admission-chain.ts';
import { goKind, noTypeField, refuseOtherType } from './custom-type.ts';
import { isObject, type Json, type ObjectDraft } from './draft.ts';
import type { DecodeResult, Kind } from './kind.ts';
import { inPatchedOrder, type PatchedFrom, patchedText } from './patched-text.ts';
import { typeOfPatched, unknownToInternal } from './patched-type.ts';
import { goQuote } from './strategy.ts';
import { unstructuredError } from './unstructured-error.ts';
import { withWrappedIntegers } from './unstructured-numbers.ts';

/**
 * The outcome of a patch as a draft, or what Kubernetes says of one that is no object of the kind. `before` is what was
 * patched, for telling what the patch touched.
 */
export function decodePatched({ kind, request, warnings }: Call, patched: JsonValue, before: unknown): ObjectDraft {
  const strategic = request.patchType === 'application/strategic-merge-patch+json';
  const { definition } = kind.served;
  const schema = definition === undefined ? undefined : { ref: definition };
  const from = {
    before,
    schema,
    sorted: request.patchType === 'application/merge-patch+json',
    untyped: kind.served.custom === true,
  };
  const shown = () => (strategic ? leftoverText(request.body, before, definition) : patchedText(patched, from));
  const bad = (why: string) =>
    StatusError.invalid({ group: '', resource: '' }, '', [
      {
        type: 'FieldValueInvalid',
        field: 'patch',
        message: `Invalid value: ${goQuote(shown())}: ${why}`,
      },
    ]);
  if (!isObject(patched)) throw bad(noType(patched));
  if (!strategic) {
    for (const field of ['apiVersion', 'kind']) {
      const told = patched[field];
      if (told !== undefined && told !== null && typeof told !== 'string') throw bad(noTypeField(field, told));
    }
  }
  if (kind.served.custom) checkCustomType(kind, patched, from, bad);
  const type = strategic ? 'served' : typeOfPatched(kind, patched, () => patchedText(patched, from));
  if (typeof type === 'object' && 'wrong' in type) throw bad(type.wrong);
  try {
    const { object, unknown } =
      type === 'internal'
        ? { object: kind.decode({ metadata: {} }).object, unknown: unknownToInternal(patched) }
        : strategic
          ? decodeUnstructured(kind, kind.strategy.comparesBytes ? inOrderOfNames(patched) : patched)
          : typeof type === 'object'
            ? kind.decode(patched, { version: type })
            : decodeInOrder(kind, patched, from);
    const findings = request.bodyFindings?.(unknown) ?? unknown;
    if (findings.length > 0) {
      const validation = request.options?.fieldValidation ?? 'Warn';
      if (validation === 'Strict') throw bad(`strict decoding error: ${findings.join(', ')}`);
      // A patch that is tried again says nothing new.
      if (validation === 'Warn') warnings.push(...findings.filter((each) => !warnings.includes(each)));
    }
    return type === 'internal' ? object : keepReset(object, patched);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw bad(strategic ? unstructuredText(kind, patched, error) : error.message);
  }
}

/** Custom resources are read without types, which then are looked at like any other field. */
function checkCustomType(
  kind: Kind,
  patched: Readonly<Json>,
  from: PatchedFrom,
  bad: (why: string) => StatusError,
): void {
  const { apiVersion: version, kind: named, metadata } = patched;
  if (!named) throw bad(`Object 'Kind' is missing in '${patchedText(patched, from)}'`);
  if (version === null) throw bad('.apiVersion accessor error: <nil> is of the type <nil>, expected string');
  if (!version) {
    const message = "Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'";
    throw StatusError.of(500, 'InternalError', message);
  }
  if (String(version).split('/').length > 2) throw bad(`unexpected GroupVersion string: ${String(version)}`);
  refuseOtherType(kind, patched, isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '');
}

/** What was read without looking at types is converted: integers lose bits that do not fit. */
function decodeUnstructured(
  kind: Kind,
  value: Readonly<Json>,
  options?: { readonly keepNulls?: boolean },
): DecodeResult {
  try {
    // Its converter forgets under which key of a map it is.
    const { object, unknown } = kind.decode(value, { ...options, unkeyed: true });
    return { object, unknown: unknown.toSorted() };
  } catch (error) {
    const { definition } = kind.served;
    const wrapped = definition === undefined ? value : withWrappedIntegers(definition, value);
    if (wrapped === value || !isObject(wrapped)) throw error;
    return kind.decode(wrapped);
  }
}

/** What is taken apart is put together again in the order of names. */
function inOrderOfNames(value: Readonly<Json>): Readonly<Json> {
  const ordered = inPatchedOrder(value, { before: undefined, schema: undefined, sorted: true });
  return isObject(ordered) ? ordered : value;
}

/** What is wrong with it is found in the order in which the API reads it. */
function decodeInOrder(kind: Kind, patched: Readonly<Json>, from: PatchedFrom): DecodeResult {
  const again = () => {
    const ordered = inPatchedOrder(patched, from);
    return kind.decode(isObject(ordered) ? ordered : patched);
  };
  try {
    const result = kind.decode(patched);
    if (kind.strategy.comparesBytes) return again();
    return result.unknown.length > 1 ? { object: result.object, unknown: again().unknown } : result;
  } catch (error) {
    if (error instanceof DecodeError) again();
    throw error;
  }
}

/** A patch as it is left after it has been applied. */
function leftoverText(body: unknown, before: unknown, definition: string | undefined): string {
  const patch = asJsonValue(body);
  if (!isJsonObject(patch) || !isJsonObject(before)) return goText(patch);
  return goText(leftoverOfPatch(before, patch, definition === undefined ? undefined : patchSchemaOf(definition)));
}

function noType(patched: JsonValue): string {
  const found = goKind(patched);
  const type =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  return `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type ${type}`;
}

function unstructuredText({ served }: Kind, value: unknown, error: DecodeError): string {
  const found = served.definition === undefined ? undefined : unstructuredError(served.definition, value);
  if (found !== undefined) return found;
  return error.message.startsWith('illegal base64') ? `error decoding from json: ${error.message}` : error.message;
}

/** A body that was parsed from JSON. */
export const asJsonValue = (body: unknown) => body as JsonValue;

/** An empty list of owners says something, which the schema's decoder does not keep. */
export function keepReset(object: ObjectDraft, from: Readonly<Json>): ObjectDraft {
  const metadata = from['metadata'];
  const sent = isObject(metadata) ? metadata['managedFields'] : undefined;
  if (Array.isArray(sent) && sent.length === 0) object.metadata.managedFields = [];
  return object;
}

/** The outcome of an apply, whose configuration has been checked against the type already. */
export function decodeApplied({ kind, request, warnings }: Call, merged: Readonly<Json>): ObjectDraft {
  const applied = isObject(request.body) ? request.body : {};
  const findings = request.bodyFindings?.([]) ?? [];
  if (findings.length > 0) {
    const validation = request.options?.fieldValidation ?? 'Warn';
    if (validation === 'Strict') {
      throw StatusError.badRequest(
        `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${findings.map((each) => `  ${each}`).join('\n')}`,
      );
    }
    if (validation === 'Warn') for (const each of findings) if (!warnings.includes(each)) warnings.push(each);
  }
  try {
    const { managedFields: _managed, ...metadata } = isObject(merged['metadata']) ? merged['metadata'] : {};
    return decodeUnstructured(kind, { ...merged, metadata }, { keepNulls: true }).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (error instanceof InvalidFieldError) throw StatusError.invalid(kind.kindName, request.name ?? '', error.fields);
    throw new StatusError({
      status: 'Failure',
      message: `failed to convert new object (${describe(kind, applied)}) to proper version: unable to convert unstructured object to ${typeText(kind)}: ${unstructuredText(kind, merged, error)}`,
      code: 500,
    });
  }
}

/** How the API names an object in messages about its type: `namespace/name; group/version, Kind=Kind`. */
export function describe({ served }: Pick<Kind, 'served'>, object: Readonly<Json>): string {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return `${text(metadata['namespace'])}/${text(metadata['name'])}; ${typeText({ served })}`;
}

const typeText = ({ served }: Pick<Kind, 'served'>) => `${served.group}/${served.version}, Kind=${served.kind}`;
