import type { MatchConditionsCompiler } from './contract.ts';

/** For a server without an evaluator of expressions: no condition can be told to hold. */
export const unevaluated: MatchConditionsCompiler = ([first]) => ({
  match: () => ({
    error: `expression '${first?.expression ?? ''}' resulted in error: expressions cannot be evaluated`,
  }),
});
