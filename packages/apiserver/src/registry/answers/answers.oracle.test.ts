import { isStatusError } from '@keelson/core';
import { type HttpTransport, httpTransport, loadKubeconfig } from '@keelson/core/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { requestOf } from './ask-registry.ts';
import { outcomeOf } from './outcome.ts';
import { recordings } from './recording.ts';
import { violated } from './violations.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

/** What was recorded of new objects, asked of a real control plane once more. */
describe.runIf(kubeconfig)('the recorded answers', () => {
  let real: HttpTransport;
  beforeAll(async () => {
    real = httpTransport(await loadKubeconfig(kubeconfig));
  });

  it.each(recordings().map((each) => [`${each.path} ${each.body.metadata.name}`, each] as const))('%s', async (_title, {
    path,
    body,
    create,
  }) => {
    for (const [violation, causes] of create) {
      const request = requestOf({ method: 'POST', path, dryRun: true, body: violated(body, violation) });
      const outcome = await real.request(request).then(
        (object) => outcomeOf(201, object, []),
        (error: unknown) => {
          if (!isStatusError(error)) throw error;
          return outcomeOf(error.code, error.status, []);
        },
      );
      // Go walks maps in no order.
      expect([violation, [...(outcome.causes ?? [])].sort()]).toEqual([violation, [...causes].sort()]);
    }
  });
});
