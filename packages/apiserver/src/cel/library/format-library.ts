import type { CelLibrary } from '../contract.ts';
import { listType, optionalType, stringType } from '../standard-types.ts';
import { CelType } from '../type.ts';
import { CelArray, CelObject, CelOptional, type CelValue } from '../value.ts';
import {
  type CallCost,
  fixed,
  multiplied,
  perCharacter,
  perPatternCharacter,
  sizeEstimate,
  sizeOf,
  times,
} from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { noSuchOverload } from './equality.ts';
import { type NamedFormat, namedFormats } from './named-formats.ts';

export const formatType = new CelType<CelFormat>('object', 'kubernetes.NamedFormat');

/** A format of texts as a value of CEL. */
export class CelFormat extends CelObject {
  readonly name: string;
  readonly format: NamedFormat;

  constructor(name: string, format: NamedFormat) {
    super();
    this.name = name;
    this.format = format;
  }

  get type(): CelType {
    return formatType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelFormat)) throw noSuchOverload();
    return this.name === other.name;
  }
}

const formats = new Map(Object.entries(namedFormats).map(([name, format]) => [name, new CelFormat(name, format)]));

/** The longest pattern that a format may stand for, where it is not known which one it is. */
const longestPattern = 128;

const validatingCost: CallCost = {
  estimate: ([, text]) => ({
    cost: multiplied(times(sizeEstimate(text), perCharacter), fixed(longestPattern * perPatternCharacter)),
  }),
  cost: ([format, text]) => {
    if (!(format instanceof CelFormat)) return 1;
    return Math.ceil((sizeOf(text) + 1) * perCharacter) * Math.ceil(format.format.patternSize * perPatternCharacter);
  },
};

function validate({ format }: CelFormat, text: string): CelOptional {
  const problems = format.validate(text);
  return problems.length === 0 ? CelOptional.none : new CelOptional(new CelArray(problems));
}

function find(name: string): CelOptional {
  const format = formats.get(name);
  return format ? new CelOptional(format) : CelOptional.none;
}

/** Kubernetes' formats of texts: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library */
export const formatLibrary: CelLibrary = {
  name: 'kubernetes.format',
  functions: [
    ...[...formats].map(([name, format]) =>
      named(
        `format.${name}`,
        call(`format.${name}`, [], formatType, () => format),
      ),
    ),
    named('format.named', call('format-named', [stringType], optionalType(formatType), find)),
    named(
      'validate',
      method('format-validate', [formatType, stringType], optionalType(listType(stringType)), validate, validatingCost),
    ),
  ],
};
