import { describe, expect, it } from 'vitest';
import { listenAddress } from './listen-address.ts';

describe('listenAddress', () => {
  it.each([
    [true, '127.0.0.1:8080'],
    [9090, '127.0.0.1:9090'],
    ['9090', '127.0.0.1:9090'],
    [':9090', 'undefined:9090'],
    ['10.1.2.3:0', '10.1.2.3:0'],
    ['[::1]:9090', '::1:9090'],
  ])('%s', (said, address) => {
    const { host, port } = listenAddress(said, 8080) ?? {};
    expect(`${host}:${port}`).toBe(address);
  });
  it.each([false, '0'])('%s is nowhere', (said) => expect(listenAddress(said, 8080)).toBeUndefined());
  it.each(['', 'x', ':99999', -1, 1.5, 'http://x:1'])('refuses %s', (said) => {
    expect(() => listenAddress(said, 8080)).toThrow('is no address to listen on');
  });
});
