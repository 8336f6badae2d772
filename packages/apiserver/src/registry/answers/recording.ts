import { readFileSync } from 'node:fs';
import type { Interview } from './interview.ts';
import type { Violation } from './violations.ts';

/** One interview as it lies in a file: only what was refused, of each kind of answer one. */
export interface Recorded {
  readonly path: string;
  readonly body: Interview['body'];
  readonly stored?: Readonly<Record<string, unknown>>;
  readonly withStatus?: Readonly<Record<string, unknown>>;
  readonly create: readonly (readonly [Violation, readonly string[]])[];
  readonly update: readonly (readonly [Violation, readonly string[]])[];
  readonly status: readonly (readonly [Violation, readonly string[]])[];
}

/** What a control plane of Kubernetes v1.35.4 answered. */
export function recordings(): readonly Recorded[] {
  return ['./recorded.jsonl', './recorded-core.jsonl', './recorded-found.jsonl'].flatMap((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Recorded),
  );
}
