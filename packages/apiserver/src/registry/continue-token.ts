import { StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';

export interface ContinueToken {
  /** Undefined: the list goes on with what there is by then, since its own revision is forgotten. */
  readonly revision: Revision | undefined;
  /** The first key of the next page. */
  readonly from: string;
}

const version = 'meta.k8s.io/v1';
const alphabet = /^[A-Za-z0-9_-]*$/;

/** As Kubernetes writes it: base64url of `{"v","rv","start"}`; `prefix` is that of the list. */
export function formatContinue({ revision, from }: ContinueToken, prefix: string): string {
  // Kubernetes leaves the slash out where it gives a token for a list that goes on inconsistently.
  const start = `${revision === undefined ? '' : '/'}${from.slice(prefix.length)}`;
  return Buffer.from(JSON.stringify({ v: version, rv: revision ?? -1, start })).toString('base64url');
}

/** Throws a 400 that says what is wrong with the token in the words of a Go program. */
export function parseContinue(text: string, prefix: string): ContinueToken {
  const bad = (why: string) => StatusError.badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const illegal = firstIllegal(text);
  if (illegal !== undefined) throw bad(`illegal base64 data at input byte ${illegal}`);
  const json = Buffer.from(text, 'base64url').toString();
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw bad(syntaxErrorOf(json));
  }
  const { v = '', rv = 0, start = '' } = fieldsOf(parsed, json, bad);
  if (v !== version) throw bad(`server does not recognize this encoded version ${v}`);
  if (rv === 0) throw bad(`incorrect encoded start resourceVersion (version ${version})`);
  if (start === '') throw bad(`encoded start key empty (version ${version})`);
  const key = start.startsWith('/') ? start : `/${start}`;
  if (key.split('/').some((part) => part === '.' || part === '..')) throw bad(start);
  return { revision: rv < 0 ? undefined : rv, from: prefix + key.slice(1) };
}

/** Where Go's unpadded decoder stops: at the first foreign character, or at a last group of one character. */
function firstIllegal(text: string): number | undefined {
  if (!alphabet.test(text)) return [...text].findIndex((each) => !alphabet.test(each));
  return text.length % 4 === 1 ? text.length - 1 : undefined;
}

interface Fields {
  readonly v?: string;
  readonly rv?: number;
  readonly start?: string;
}

function fieldsOf(parsed: unknown, json: string, bad: (why: string) => StatusError): Fields {
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw bad(`json: cannot unmarshal ${goKind(parsed)} into Go value of type storage.continueToken`);
  }
  const fields: { v?: string; rv?: number; start?: string } = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (value === null) continue;
    const mismatch = (type: string) =>
      bad(`json: cannot unmarshal ${goKind(value)} into Go struct field continueToken.${name} of type ${type}`);
    if (name === 'v' || name === 'start') {
      if (typeof value !== 'string') throw mismatch('string');
      fields[name] = value;
    } else if (name === 'rv') {
      if (typeof value !== 'number') throw mismatch('int64');
      const digits = /"rv"\s*:\s*([-+.\w]+)/.exec(json)?.[1] ?? String(value);
      if (!isInt64(digits)) {
        throw bad(`json: cannot unmarshal number ${digits} into Go struct field continueToken.rv of type int64`);
      }
      fields.rv = value;
    }
  }
  return fields;
}

const isInt64 = (digits: string) => /^-?\d+$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function syntaxErrorOf(json: string): string {
  const text = json.trimStart();
  const first = text[0];
  if (first !== undefined && !/[[{"\-\dtfn]/.test(first)) {
    return `invalid character ${goCharacter(first)} looking for beginning of value`;
  }
  return 'unexpected end of JSON input';
}

const goCharacter = (character: string) => (character === "'" ? `'\\''` : `'${character}'`);
