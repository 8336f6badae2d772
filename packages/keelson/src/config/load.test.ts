import { describe, expect, it } from 'vitest';
import { parseConfig } from './load.ts';

const mistakes = (text: string) => {
  try {
    parseConfig(text);
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  throw new Error('accepted');
};

describe('keelson.yaml', () => {
  it('is a whole cluster when empty', () => {
    const config = parseConfig('');
    expect(config.runtime.name).toBe('auto');
    expect(config.nodes).toBe(1);
    expect(config.api.port).toBe(6443);
  });

  it('takes a part by name, or by name with options', () => {
    expect(parseConfig('runtime: simulated').runtime).toEqual({ name: 'simulated', options: {} });
    expect(parseConfig('runtime: { name: remote, options: { endpoint: /run/x.sock } }').runtime).toEqual({
      name: 'remote',
      options: { endpoint: '/run/x.sock' },
    });
  });

  it('names the place and the allowed values of every mistake', () => {
    expect(mistakes('runtime: docker\napi:\n  port: 99999\nnode: 2\n')).toEqual([
      'keelson.yaml:3:9: api.port: Too big: expected number to be <=65535',
      'keelson.yaml:1:10: runtime: not one of the allowed values "auto", "process", "remote", "simulated"',
      'keelson.yaml: the file: unknown key "node"',
    ]);
    expect(mistakes('controllers:\n  jobs: false\n')[0]).toMatch(/controllers\.?.*jobs/);
  });

  it('refuses broken YAML and keys that stand twice', () => {
    expect(mistakes('a: [1')[0]).toMatch(/^keelson\.yaml: /);
    expect(mistakes('nodes: 1\nnodes: 2')[0]).toMatch(/unique/);
  });
});
