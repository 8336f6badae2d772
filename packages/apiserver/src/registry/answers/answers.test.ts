import { describe, expect, it } from 'vitest';
import { askRegistry } from './ask-registry.ts';
import { type Interview, interview, planAgain } from './interview.ts';
import { asInterview, recordings } from './recording.ts';

describe.each(
  recordings().map((each) => [`${each.path} ${each.body.metadata.name}`, each] as const),
)('%s', (_title, recorded) => {
  it('is refused in the words of Kubernetes', async () => {
    const ask = await askRegistry();
    const wanted = asInterview(recorded);
    const found = await interview(ask, planAgain(wanted));
    expect(found.plain.code).toBe(201);
    const causes = (list: Interview['create'] | undefined) =>
      (list ?? []).map(([violation, { causes: why }]) => [violation, why]);
    expect(causes(found.create)).toEqual(causes(wanted.create));
    expect(causes(found.update)).toEqual(causes(wanted.update));
    expect(causes(found.status?.slice(1))).toEqual(causes(wanted.status?.slice(1)));
  });
});
