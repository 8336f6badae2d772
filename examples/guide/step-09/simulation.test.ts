import { simulate } from '@keelson/apiserver/testing';
import { expect, it } from 'vitest';
import { websiteOperator as asItWas } from '../step-06/operator.ts';
import { websiteOperator } from './operator.ts';
import { siteThatMoves } from './simulation.ts';

it('finds a name that is left behind', async () => {
  await expect(simulate(siteThatMoves(asItWas))).rejects.toThrow(
    'wanted: hi.example.com; there: hello.example.com, hi.example.com',
  );
}, 120_000);

it('finds nothing any more', async () => {
  expect(await simulate(siteThatMoves(websiteOperator), { runs: 20 })).toEqual({ runs: 20 });
}, 120_000);
