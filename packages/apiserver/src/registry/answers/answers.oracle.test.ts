import { isStatusError } from '@keelson/core';
import { type HttpTransport, httpTransport, loadKubeconfig } from '@keelson/core/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { requestOf } from './ask-registry.ts';
import type { Ask } from './base.ts';
import { type Interview, interview, planAgain } from './interview.ts';
import { outcomeOf } from './outcome.ts';
import { asInterview, recordings } from './recording.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

/**
 * What was recorded, asked of a real control plane once more: one without controllers, such as
 * `node conformance/run.mjs real-side --dir DIR` starts. Makes objects there, and deletes them.
 */
describe.runIf(kubeconfig)('the recorded answers', () => {
  let real: HttpTransport;
  beforeAll(async () => {
    real = httpTransport(await loadKubeconfig(kubeconfig));
  });

  const ask: Ask = (question) =>
    real.request(requestOf(question)).then(
      (object) => outcomeOf(question.method === 'POST' ? 201 : 200, object, []),
      (error: unknown) => {
        if (!isStatusError(error)) throw error;
        return outcomeOf(error.code, error.status, []);
      },
    );
  // Go walks maps in no order.
  const causes = (list: Interview['create'] | undefined) =>
    (list ?? []).map(([violation, { causes: why }]) => [violation, [...(why ?? [])].sort()]);

  it.each(recordings().map((each) => [`${each.path} ${each.body.metadata.name}`, each] as const))(
    '%s',
    async (_title, recorded) => {
      const wanted = asInterview(recorded);
      const found = await interview(ask, planAgain(wanted));
      expect(causes(found.create)).toEqual(causes(wanted.create));
      expect(causes(found.update)).toEqual(causes(wanted.update));
      expect(causes(found.status?.slice(1))).toEqual(causes(wanted.status?.slice(1)));
    },
    60_000,
  );
});
