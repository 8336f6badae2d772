import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkEncryptionConfig, EncryptionConfigError, parseEncryptionConfig } from './encryption-config.ts';

// What kube-apiserver v1.35.4 says at its start to configurations that are wrong.
const refused = readFileSync(new URL('refused-configs.test-data.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => z.object({ resources: z.array(z.json()), error: z.string() }).parse(JSON.parse(line)));

const config = (resources: unknown) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources,
});

describe('an encryption configuration', () => {
  it.each(refused)('is refused in the words of Kubernetes: $error', ({ resources, error }) => {
    expect(() => checkEncryptionConfig(config(resources))).toThrow(new EncryptionConfigError(error));
  });

  it('is refused where it is none, without its secrets', () => {
    expect(() => parseEncryptionConfig('resources: [{secret: abc')).toThrow('the encryption configuration is no YAML');
    expect(() => checkEncryptionConfig({ ...config([]), key: 'abc' })).toThrow(/Unrecognized key: "key"/);
    const old = { kms: { name: 'a', endpoint: 'unix:///a' } };
    expect(() => checkEncryptionConfig(config([{ resources: ['secrets'], providers: [old] }]))).toThrow(
      'KMSv1 is deprecated',
    );
  });
});
