import { describe, expect, it } from 'vitest';
import { baseOf, objectOf } from './bases.ts';
import { kinds } from './kinds.ts';
import { Rng } from './rng.ts';
import { scenarios } from './scenarios/index.ts';
import { plausible, randomPlace, violation, withValue } from './values.ts';

it('knows a least object of every kind that can be made', () =>
  expect(kinds.filter((kind) => kind.verbs.includes('create') && !baseOf(kind)).map(({ id }) => id)).toEqual([]));

describe('scenarios', () => {
  it('are the same for the same seed', () => {
    for (const { make } of Object.values(scenarios))
      for (const kind of kinds.slice(0, 20)) expect(make(kind, new Rng('s'))).toEqual(make(kind, new Rng('s')));
  });

  it('keep to their own objects: whatever reaches a collection of the cluster is selected by the label of the case', () => {
    const cluster = kinds.filter(({ namespaced }) => !namespaced);
    for (const { make } of Object.values(scenarios))
      for (const kind of cluster)
        for (const step of make(kind, new Rng(kind.id)) ?? []) {
          if (step.method !== 'DELETE' || !step.path.endsWith(`/${kind.resource}`)) continue;
          expect(step.query?.['labelSelector'], `${kind.id} ${step.path}`).toContain('{{id}}');
        }
  });

  it('never send a quantity that a server could choke on', () => {
    const text = JSON.stringify(
      kinds.map((kind) => Object.values(scenarios).map(({ make }) => make(kind, new Rng('q')))),
    );
    expect(text).not.toMatch(/"\d+[eE]\d{3,}"/);
  });
});

it('never touches at random what would act on other cases', () => {
  const rng = new Rng('danger');
  for (const kind of kinds)
    for (let i = 0; i < 50; i++) {
      const path = randomPlace(kind.definition, rng)?.path ?? [];
      expect(path).not.toContain('globalDefault');
      expect(path).not.toContain('matchingPrecedence');
      if (/admissionregistration/.test(kind.group)) expect(path).not.toContain('rules');
    }
});

it('puts a value where it was told, and keeps the rest', () => {
  const rng = new Rng('put');
  for (const kind of kinds) {
    const object = objectOf(kind);
    const place = object && randomPlace(kind.definition, rng);
    if (!object || !place) continue;
    const changed = withValue(object, kind.definition, place.path, plausible(place.schema, place.name, rng));
    expect(changed['kind']).toBe(kind.kind);
    expect(JSON.stringify(withValue(object, kind.definition, place.path, violation(place, rng)))).toContain(kind.kind);
  }
});
