import type { CustomResourceDefinitionVersion } from '@keelson/core';
import { expect, it } from 'vitest';
import { deprecationText } from './deprecated-version.ts';

const version = (text: string): CustomResourceDefinitionVersion => {
  const [name = '', ...rest] = text.split(' ');
  const words = rest.filter((each) => each !== 'deprecated' && each !== 'unserved').join(' ');
  return {
    name,
    served: !rest.includes('unserved'),
    storage: false,
    deprecated: rest.includes('deprecated'),
    ...(words !== '' && { deprecationWarning: words }),
  };
};

// As a real API server (v1.35.4) warns.
it.each<[string[], string | undefined]>([
  [['v1beta1 deprecated', 'v1'], 'example.com/v1beta1 Thing is deprecated; use example.com/v1 Thing'],
  [['v1 deprecated', 'v1beta1'], 'example.com/v1 Thing is deprecated'],
  [['v1 deprecated', 'v2 unserved', 'v3alpha1'], 'example.com/v1 Thing is deprecated'],
  [['v1alpha1 deprecated', 'v1beta1', 'v1'], 'example.com/v1alpha1 Thing is deprecated; use example.com/v1 Thing'],
  [['foo deprecated', 'bar'], 'example.com/foo Thing is deprecated; use example.com/bar Thing'],
  [['bar deprecated', 'foo'], 'example.com/bar Thing is deprecated'],
  [['v2 deprecated own words', 'v1'], 'own words'],
  [['v1', 'v2'], undefined],
])('warns of the first of %j', (versions, warning) => {
  const all = versions.map(version);
  const spec = {
    group: 'example.com',
    scope: 'Cluster' as const,
    names: { kind: 'Thing', plural: 'things' },
    versions: all,
  };
  expect(deprecationText(spec, version(versions[0] ?? ''))).toBe(warning);
});
