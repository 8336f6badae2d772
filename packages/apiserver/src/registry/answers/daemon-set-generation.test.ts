import { expect, it } from 'vitest';
import { askRegistry } from './ask-registry.ts';

const path = '/apis/apps/v1/namespaces/default/daemonsets';
const annotation = 'deprecated.daemonset.template.generation';
const labels = { app: 'x' };
const body = {
  metadata: { name: 'counted' },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'example.com/image:1' }] } },
  },
};
const status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 1 };

it('counts templates of a daemon set whatever its writers say, a writer of the status included', async () => {
  const ask = await askRegistry();
  const generationAfter = async (method: 'POST' | 'PUT', at: string, sent: object) => {
    const { object } = await ask({ method, path: at, dryRun: false, body: sent });
    return (object as { readonly metadata: { readonly annotations?: Record<string, string> } }).metadata.annotations?.[
      annotation
    ];
  };
  expect(await generationAfter('POST', path, body)).toBe('1');
  expect(await generationAfter('PUT', `${path}/counted/status`, { ...body, status })).toBe('1');
  const changed = structuredClone(body);
  changed.spec.template.spec.containers[0]!.image = 'example.com/image:2';
  expect(await generationAfter('PUT', `${path}/counted`, changed)).toBe('2');
  const said = { ...changed, metadata: { name: 'counted', annotations: { [annotation]: '7' } } };
  expect(await generationAfter('PUT', `${path}/counted`, said)).toBe('2');
});
