import { expect, it } from 'vitest';
import { blankObject } from './blank-object.ts';
import { builtinKinds } from './builtin-kinds.ts';
import { servedVersions } from './runtime-config.ts';

const kinds = builtinKinds([], servedVersions({ 'api/all': true }));

const blankOf = (resource: string) => {
  const kind = kinds.find(({ served }) => served.group === 'apps' && served.resource === resource);
  return kind && blankObject(kind);
};

it('has what Kubernetes v1.35 sends with a bookmark', () => {
  expect(blankOf('statefulsets')).toMatchObject({
    object: { kind: 'StatefulSet', spec: { replicas: 0, updateStrategy: {} } },
  });
  expect(blankOf('daemonsets')).toMatchObject({
    annotations: { 'deprecated.daemonset.template.generation': '0' },
  });
  expect(blankOf('daemonsets')).not.toHaveProperty('object.spec.replicas');
});
