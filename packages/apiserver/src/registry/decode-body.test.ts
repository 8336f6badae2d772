import { expect, it } from 'vitest';
import { askRegistry } from './answers/ask-registry.ts';

it('names the embedded structs around a field that cannot be read', async () => {
  const ask = await askRegistry();
  const path = '/apis/apps/v1/namespaces/default/statefulsets';
  const body = { spec: { volumeClaimTemplates: [{ kind: 5 }] } };
  const { code, message } = await ask({ method: 'POST', path, dryRun: false, body });
  expect({ code, message }).toEqual({
    code: 400,
    message:
      'StatefulSet in version "v1" cannot be handled as a StatefulSet: json: cannot unmarshal number into Go struct field PersistentVolumeClaim.spec.volumeClaimTemplates.TypeMeta.kind of type string',
  });
});
