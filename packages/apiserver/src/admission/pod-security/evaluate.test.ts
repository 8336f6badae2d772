import type { PodSpec } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readLines } from '../../authorization/node/node-fixture.test-data.ts';
import { violationsOf, violationsText } from './evaluate.ts';
import { parseVersion } from './policy.ts';

const answers = z.array(z.tuple([z.string(), z.string()]));

/** Pods that a real v1.35.4 was asked for, and what it found at each level: from which version on it said what. */
const rows = readLines(
  new URL('./recorded-answers.jsonl', import.meta.url),
  z.object({
    name: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    spec: z.custom<PodSpec>((value) => typeof value === 'object' && value !== null),
    baseline: answers,
    restricted: answers,
  }),
);

const versions = [...Array.from({ length: 36 }, (_, minor) => `v1.${minor}`), 'latest', 'v1.40'];

describe('Pod Security Standards', () => {
  it.each(rows)('judge as in Kubernetes: $name', ({ annotations = {}, spec, ...recorded }) => {
    for (const level of ['baseline', 'restricted'] as const) {
      let expected = '';
      for (const text of versions) {
        expected = recorded[level].find(([since]) => since === text)?.[1] ?? expected;
        const version = parseVersion(text) ?? Number.NaN;
        const found = violationsText(violationsOf({ annotations, spec }, { level, version }));
        expect(`${level}:${text} ${found}`).toBe(`${level}:${text} ${expected}`);
      }
    }
  });
});
