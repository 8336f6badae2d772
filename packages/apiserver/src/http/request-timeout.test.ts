import { expect, it } from 'vitest';
import { parseRequestInfo } from './request-info.ts';
import { checkTimeout, durationFault } from './request-timeout.ts';

// Each as a real v1.35 was seen to say it.
it.each([
  ['x', 'time: invalid duration "x"'],
  ['1', 'time: missing unit in duration "1"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['9999999999h', 'time: invalid duration "9999999999h"'],
  ['"', 'time: invalid duration "\\""'],
  [' 5s', 'time: invalid duration " 5s"'],
  ['5_s', 'time: unknown unit "_s" in duration "5_s"'],
  ['1e3s', 'time: unknown unit "e" in duration "1e3s"'],
  ['s', 'time: invalid duration "s"'],
  ['-', 'time: invalid duration "-"'],
  ['-1s', undefined],
  ['0', undefined],
  ['1h1m', undefined],
  ['999999h', undefined],
  ['.5s', undefined],
  ['1.s', undefined],
])('%j', (text, fault) => expect(durationFault(text)).toBe(fault));

it.each([
  ['/api/v1/pods', true],
  ['/healthz', true],
  ['/nothing', true],
  ['/api/v1/pods?watch=1', false],
  ['/api/v1/watch/pods', false],
  ['/api/v1/namespaces/default/pods/x/log', false],
  ['/api/v1/namespaces/default/services/x/proxy/a', false],
])('is looked at in %s: %s', (url, looked) => {
  const [path = '', search = ''] = url.split('?');
  const query = new URLSearchParams(`${search}&timeout=x`);
  const check = () => checkTimeout(parseRequestInfo('GET', path, query), query);
  if (looked) expect(check).toThrow('invalid timeout specified in the request URL - time: invalid duration "x"');
  else expect(check).not.toThrow();
});
