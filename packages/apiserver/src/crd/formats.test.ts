import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hasFormat, isKnownFormat } from './formats.ts';

const all = [
  ...['date', 'date-time', 'datetime', 'byte', 'ipv4', 'ipv6', 'uuid', 'uuid3', 'uuid4', 'uuid5', 'email', 'hostname'],
  ...['uri', 'duration', 'cidr', 'mac', 'isbn', 'isbn10', 'isbn13', 'creditcard', 'password', 'nothing'],
  ...['bsonobjectid', 'hexcolor', 'rgbcolor', 'ssn', 'k8s-short-name', 'k8s-long-name'],
];

/** What a real kube-apiserver v1.35.4 says of texts: of which formats they are not, of all or of those that are named. */
const recorded = readFileSync(new URL('formats.test-data.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const [text, wrong, formats = all]: [string, string[], string[]?] = JSON.parse(line);
    return { text, wrong, formats };
  });

it.each(recorded)('$text', ({ text, wrong, formats }) => {
  expect(formats.filter((each) => !hasFormat(each, text)).sort()).toEqual([...wrong].sort());
});

it('knows which formats there are', () => {
  expect(all.filter((each) => !isKnownFormat(each))).toEqual(['nothing']);
});
