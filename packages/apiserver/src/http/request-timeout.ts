import { StatusError } from '@keelson/core';
import { parseDuration } from '@keelson/core/machinery';
import { isLongRunning } from './long-running.ts';
import type { RequestInfo } from './request-info.ts';

const longestMs = 2 ** 63 / 1e6;

/** Throws BadRequest where `timeout` is no duration in Go's syntax. It is looked at before anybody asks who asks. */
export function checkTimeout(info: RequestInfo, query: URLSearchParams): void {
  const text = query.get('timeout') ?? '';
  if (text === '' || isLongRunning(info)) return;
  const wrong = durationFault(text);
  if (wrong !== undefined) throw StatusError.badRequest(`invalid timeout specified in the request URL - ${wrong}`);
}

/** What Go says of a text that is no duration; undefined of one that is. */
export function durationFault(text: string): string | undefined {
  const ms = parseDuration(text);
  if (ms !== undefined && Math.abs(ms) < longestMs) return undefined;
  const fault = (why: string) => `time: ${why} in duration ${quote(text)}`;
  const invalid = `time: invalid duration ${quote(text)}`;
  let rest = text.replace(/^[+-]/, '');
  while (rest !== '') {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) return invalid;
    rest = rest.slice(number.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (unit === '') return fault('missing unit');
    if (parseDuration(`1${unit}`) === undefined) return fault(`unknown unit ${quote(unit)}`);
    rest = rest.slice(unit.length);
  }
  return invalid;
}

/** As Go's package `time` quotes: what is no printable ASCII by its bytes. */
function quote(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte >= 0x7f) result += `\\x${byte.toString(16).padStart(2, '0')}`;
    else result += char === '"' || char === '\\' ? `\\${char}` : char;
  }
  return `"${result}"`;
}
