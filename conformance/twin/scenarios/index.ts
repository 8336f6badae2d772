import type { Scenario } from './write-read.ts';
import { forms, minimal, watch } from './write-read.ts';

/** Every scenario by name, with its share of the cases. */
export const scenarios: Readonly<Record<string, { readonly share: number; readonly make: Scenario }>> = {
  minimal: { share: 1, make: minimal },
  forms: { share: 1, make: forms },
  watch: { share: 1, make: watch },
};
export { caseOf, type Scenario } from './write-read.ts';
