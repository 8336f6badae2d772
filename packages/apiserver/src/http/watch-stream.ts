import { type Clock, type KubernetesObject, StatusError } from '@keelson/core';
import type { EncodedObject, EncodedWatchEvent } from '../registry/contract.ts';
import { drained, write } from './drained.ts';
import type { MediaType } from './negotiate.ts';
import { protobufMediaType } from './protobuf/envelope.ts';
import type { HttpResponse } from './reply.ts';
import { turns } from './turns.ts';
import type { FrameEncoder } from './watch-frames.ts';

/** A client that takes longer than this to read what is buffered for it is cut off. */
const slowClientMs = 30_000;
const stallMs = 250;
const chunkBytes = 256 * 1024;
/** So much does not pile up of what others watch as well: it is what the watch begins with. */
const largestSharedBatch = 500;

/** A watch on its way to a client. */
export interface WatchOutput {
  readonly events: AsyncIterable<readonly EncodedWatchEvent[]>;
  readonly encode: FrameEncoder;
  readonly mediaType: MediaType;
  readonly clock: Clock;
  /** Aborts when the watch is to end. */
  readonly signal: AbortSignal;
  /** The client does not read as fast as it could be written to. */
  stalled?(): void;
}

/** Writes a watch frame by frame, a write a batch, until it ends, `signal` aborts or the client goes. */
export async function streamWatch(response: HttpResponse, watch: WatchOutput): Promise<void> {
  const { mediaType, clock, signal } = watch;
  let { stalled } = watch;
  const contentType = mediaType === protobufMediaType ? `${mediaType};stream=watch` : mediaType;
  if (response.destroyed) return;
  response.writeHead(200, { 'cache-control': 'no-cache, private', 'content-type': contentType });
  // Without a body yet: the client learns at once that the watch is on.
  if ('flushHeaders' in response) response.flushHeaders();
  try {
    for await (const frames of framesOf(watch)) {
      if (response.destroyed || signal.aborted) return;
      const chunk = frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames);
      if (write(response, chunk)) continue;
      const cancel = stalled ? clock.after(stallMs, stalled) : undefined;
      const readOn = await drained(response, { clock, signal, timeoutMs: slowClientMs });
      cancel?.();
      if (!readOn) return;
      // What matters is the beginning.
      stalled = undefined;
    }
  } finally {
    if (!response.destroyed) response.end();
  }
}

/**
 * The frames of a watch, many small ones together: few writes, and never a long queue in one piece; a slow client's is
 * made as it reads. A failure is the last of them, as an event ERROR.
 */
export async function* framesOf({ events, encode, signal }: WatchOutput): AsyncIterable<readonly Buffer[]> {
  try {
    for await (const batch of events) {
      let frames: Buffer[] = [];
      let size = 0;
      const alone = batch.length > largestSharedBatch;
      for (const { type, value } of batch) {
        const frame = encode(type, value, alone);
        if (frame === undefined) return;
        frames.push(frame);
        size += frame.length;
        if (size < chunkBytes) continue;
        await turns.take();
        yield frames;
        frames = [];
        size = 0;
      }
      if (frames.length > 0) yield frames;
    }
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof StatusError ? error : StatusError.internal(String(error));
    const frame = encode('ERROR', encodedStatus(failure));
    if (frame) yield [frame];
  }
}

function encodedStatus(error: StatusError): EncodedObject {
  const object: KubernetesObject = { ...error.status, metadata: { name: '' } };
  return { object, json: Buffer.from(JSON.stringify(error.status)) };
}
