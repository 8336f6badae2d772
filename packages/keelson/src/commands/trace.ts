import { explain, jsonLines, type ReconcileTrace } from '@keelson/core';
import { toldTrace } from '@keelson/core/recording';
import { UserError } from '../user-error.ts';

export interface TraceFlags {
  readonly operator: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** So many traces are kept to name what caused what; an operator keeps as many. */
const mostKept = 1_000;

/** `keelson trace [controller] [key]`: why an operator's reconciles ran, and what came of them. */
export async function trace(
  controller: string | undefined,
  key: string | undefined,
  flags: TraceFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
  signal?: AbortSignal,
): Promise<void> {
  const about = { ...(controller !== undefined && { controller }), ...(key !== undefined && { key }) };
  const { follow = false, json = false } = flags;
  const kept: ReconcileTrace[] = [];
  for await (const each of toldBy(flags.operator, follow, signal)) {
    kept.push(each);
    if (kept.length > mostKept) kept.shift();
    const asked = (controller ?? each.controller) === each.controller && (key ?? each.key) === each.key;
    if (asked && json) write(`${JSON.stringify(each)}\n`);
    else if (asked && follow) write(`${explain(kept, { id: each.id })}\n`);
  }
  if (json || follow) return;
  const text = explain(kept, about);
  write(text === '' ? 'Nothing was reconciled yet that this names.\n' : text);
}

/** Of all controllers and keys: what led to a reconcile may be another one's. */
async function* toldBy(
  operator: string,
  follow: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReconcileTrace> {
  const url = addressOf(operator);
  if (follow) url.searchParams.set('follow', '');
  const response = await answerOf(url, signal);
  if (!response.ok || !response.body) {
    throw new UserError(`${url.origin} answers ${response.status}: ${(await response.text()).trim()}`);
  }
  for await (const line of linesOf(response.body, url, signal)) {
    const parsed = toldTrace.safeParse(line);
    if (!parsed.success) throw new UserError(`${url.origin} tells no traces of a Keelson operator`);
    yield parsed.data;
  }
}

async function* linesOf(
  body: AsyncIterable<Uint8Array>,
  url: URL,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  try {
    yield* jsonLines(body);
  } catch (error) {
    if (signal?.aborted) return;
    throw new UserError(`${url.origin} has stopped telling: ${error instanceof Error ? error.message : error}`);
  }
}

function addressOf(operator: string): URL {
  const text = operator.includes('://') ? operator : `http://${operator}`;
  if (!URL.canParse(text)) throw new UserError(`--operator: ${operator} is no URL`);
  return new URL('/debug/traces', text);
}

async function answerOf(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, { ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UserError(
      `nobody answers at ${url.origin}. An operator does with \`runOperator(operator, { health: true })\`, or in development; one in a cluster by \`kubectl port-forward\``,
    );
  }
}
