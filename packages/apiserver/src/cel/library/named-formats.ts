import {
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import { requestUriProblem } from './go-url.ts';

/** A format by name: what is wrong with a text, nothing where it is good. */
export interface NamedFormat {
  /** How the cost of looking is reckoned: the length of a pattern that would say the same. */
  readonly patternSize: number;
  readonly validate: (text: string) => readonly string[];
}

/** A prefix of generated names may end in a dash, behind which more will stand. */
const asPrefix = (text: string): string => (text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

const prefixed = (validate: NamedFormat['validate']) => (text: string) => validate(asPrefix(text));

const matching = (problem: string, test: (text: string) => boolean) => (text: string) => (test(text) ? [] : [problem]);

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const datetime = /^(\d{4}-\d{2}-\d{2})t([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?(?:z|[+-]\d{2}:\d{2})$/i;

function isDate(text: string): boolean {
  const [, year, month, day] = date.exec(text) ?? [];
  if (year === undefined) return false;
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  const isLeap = y % 4 === 0 && (y % 100 !== 0 || y % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m - 1];
  return days !== undefined && d >= 1 && d <= days;
}

function isDatetime(text: string): boolean {
  const day = datetime.exec(text)?.[1];
  return day !== undefined && isDate(day);
}

/** The formats that `format.named` knows. */
export const namedFormats = {
  dns1123Label: { patternSize: 30, validate: validateDnsLabel },
  dns1123Subdomain: { patternSize: 60, validate: validateDnsSubdomain },
  dns1035Label: { patternSize: 30, validate: validateDns1035Label },
  qualifiedName: { patternSize: 60, validate: validateQualifiedName },
  dns1123LabelPrefix: { patternSize: 30, validate: prefixed(validateDnsLabel) },
  dns1123SubdomainPrefix: { patternSize: 60, validate: prefixed(validateDnsSubdomain) },
  dns1035LabelPrefix: { patternSize: 30, validate: prefixed(validateDns1035Label) },
  labelValue: { patternSize: 40, validate: validateLabelValue },
  uri: {
    patternSize: 1103,
    validate: (text) => {
      const problem = requestUriProblem(text);
      return problem === undefined ? [] : [problem];
    },
  },
  uuid: { patternSize: 70, validate: matching('does not match the UUID format', (text) => uuid.test(text)) },
  byte: { patternSize: 84, validate: matching('invalid base64', (text) => base64.test(text)) },
  date: { patternSize: 71, validate: matching('invalid date', isDate) },
  datetime: { patternSize: 71, validate: matching('invalid datetime', isDatetime) },
} as const satisfies Readonly<Record<string, NamedFormat>>;
