import { type Clock, type KubernetesObject, StatusError } from '@keelson/core';
import type { ApiAnswer, EncodedObject, EncodedWatchEvent } from '../registry/contract.ts';
import type { EncodingContext } from './encode-answer.ts';
import { watchEncoder } from './encode-answer.ts';
import type { HttpResponse, Reply } from './reply.ts';

/** A client that takes longer than this to read what is buffered for it is cut off. */
const slowClientMs = 30_000;
const chunkBytes = 256 * 1024;

type WatchAnswer = Extract<ApiAnswer, { type: 'watch' }>;

/** Writes a watch as lines of JSON, a write a batch, until it ends, `signal` aborts or the client goes. */
export async function streamWatch(
  response: HttpResponse,
  answer: WatchAnswer,
  context: EncodingContext,
  options: { readonly clock: Clock; readonly signal: AbortSignal; readonly headers?: Reply['headers'] },
): Promise<void> {
  const encode = watchEncoder(context);
  const headers: Record<string, string | string[]> = {
    'cache-control': 'no-cache, private',
    'content-type':
      context.format.mediaType === 'application/json' ? 'application/json' : 'application/yaml;stream=watch',
  };
  for (const [name, value] of Object.entries(options.headers ?? {}))
    headers[name] = typeof value === 'string' ? value : [...value];
  if (response.destroyed) return;
  response.writeHead(200, headers);
  // Without a body yet: the client learns at once that the watch is on.
  if ('flushHeaders' in response) response.flushHeaders();
  try {
    for await (const batch of answer.events) {
      if (response.destroyed || options.signal.aborted) return;
      for (const chunk of chunksOf(batch, encode)) {
        if (!write(response, chunk) && !(await drained(response, options))) return;
      }
    }
  } catch (error) {
    if (options.signal.aborted || response.destroyed) return;
    const failure = error instanceof StatusError ? error : StatusError.internal(String(error));
    write(response, encode('ERROR', encodedStatus(failure)));
  } finally {
    if (!response.destroyed) response.end();
  }
}

/** Few writes for many small events, and never a long queue in one piece: a slow client's is made as it reads. */
function* chunksOf(
  batch: readonly EncodedWatchEvent[],
  encode: ReturnType<typeof watchEncoder>,
): IterableIterator<Buffer> {
  let frames: Buffer[] = [];
  let size = 0;
  for (const { type, value } of batch) {
    const frame = encode(type, value);
    frames.push(frame);
    size += frame.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(frames);
    frames = [];
    size = 0;
  }
  if (frames.length > 0) yield frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames);
}

function write(response: HttpResponse, chunk: Buffer): boolean {
  return 'stream' in response ? response.write(chunk) : response.write(chunk);
}

/** Whether the client read on in time. */
function drained(
  response: HttpResponse,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (readOn: boolean) => {
      cancel();
      response.off('drain', onDrain);
      response.off('close', onClose);
      options.signal.removeEventListener('abort', onClose);
      resolve(readOn);
    };
    const onDrain = () => done(true);
    const onClose = () => done(false);
    const cancel = options.clock.after(slowClientMs, () => {
      response.destroy(new Error('the client of a watch reads too slowly'));
      done(false);
    });
    response.once('drain', onDrain);
    response.once('close', onClose);
    options.signal.addEventListener('abort', onClose, { once: true });
  });
}

function encodedStatus(error: StatusError): EncodedObject {
  const object: KubernetesObject = { ...error.status, metadata: { name: '' } };
  return { object, json: Buffer.from(JSON.stringify(error.status)) };
}
