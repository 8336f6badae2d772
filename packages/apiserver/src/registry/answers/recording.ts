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
  return ['./recorded.jsonl', './recorded-core.jsonl', './recorded-found.jsonl', './recorded-workloads.jsonl'].flatMap(
    (file) =>
      readFileSync(new URL(file, import.meta.url), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Recorded),
  );
}

const refused = (causes: readonly string[]) => ({ code: 422, causes });

/** A recording as the interview that it came of. */
export function asInterview({ path, body, stored, withStatus, create, update, status }: Recorded): Interview {
  const answers = (list: Recorded['create']) =>
    list.map(([violation, causes]) => [violation, refused(causes)] as const);
  return {
    path,
    body,
    plain: { code: 201 },
    create: answers(create),
    ...(stored && { stored, update: answers(update) }),
    // The first of the status' answers is that to the write which the others begin from.
    ...(withStatus && { withStatus, status: [[['/metadata/labels/written', 'x'], { code: 200 }], ...answers(status)] }),
  };
}
