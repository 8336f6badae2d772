import type { Invariants, Recording } from '@keelson/apiserver/testing';
import { isJsonObject, messageOf } from '@keelson/core';
import { z } from 'zod';
import { loadModule, loadOperators } from '../manifests/index.ts';
import { UserError } from '../user-error.ts';
import { keptInside } from './kept-inside.ts';
import { replayText } from './replay-text.ts';

export interface ReplayFlags {
  readonly invariants?: string;
  readonly shrinkRuns: number;
  readonly reachOut?: boolean;
  readonly strict?: boolean;
}

/**
 * `keelson replay recording operator.ts`: what the operator's code makes of what was recorded in production. Resolves to
 * whether nothing is wrong: no invariant is violated, and with `strict` nothing is written otherwise.
 */
export async function replayRecording(
  path: string,
  file: string,
  { invariants, shrinkRuns, reachOut = false, strict = false }: ReplayFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<boolean> {
  // Loaded here, as it brings a whole API server.
  const { ReplayError, readRecording, replay } = await import('@keelson/apiserver/testing');
  const recording = await read(readRecording, path);
  const operators = await loadOperators(file);
  const held = invariants === undefined ? {} : await loadInvariants(invariants);
  const run = () => replay(recording, { operators: () => operators, ...held }, { shrinkRuns });
  try {
    const report = await (reachOut ? run() : keptInside(run));
    write(replayText(report));
    return !strict || report.differences.length === 0;
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    write(`${replayText(error.report)}\n${error.message}\n`);
    return false;
  }
}

async function read(readRecording: (path: string) => Promise<Recording>, path: string): Promise<Recording> {
  try {
    return await readRecording(path);
  } catch (error) {
    throw new UserError(messageOf(error));
  }
}

const invariantsSchema = z.custom<Invariants>(
  (value) => isJsonObject(value) && Object.values(value).every((each) => typeof each === 'function'),
  'must be functions by name',
);
const heldSchema = z.strictObject({
  always: invariantsSchema.exactOptional(),
  finally: invariantsSchema.exactOptional(),
});

async function loadInvariants(file: string): Promise<z.output<typeof heldSchema>> {
  const module = await loadModule(file, 'invariants');
  const parsed = heldSchema.safeParse(module['default']);
  if (parsed.success) return parsed.data;
  throw new UserError(`${file} must export by default { always, finally }: ${z.prettifyError(parsed.error)}`);
}
