import { z } from 'zod';
import type { KubernetesObject } from '../api/index.ts';
import { isJsonObject, type JsonValue } from '../machinery/index.ts';
import { toldTrace } from './told-trace.ts';

const at = z.number();
const resource = { group: z.string(), version: z.string(), resource: z.string() };

const object = z.custom<KubernetesObject>(
  (value) => isJsonObject(value) && isJsonObject(value['metadata']) && typeof value['metadata']['name'] === 'string',
  'must be an object of Kubernetes',
);

const failure = z.object({
  /** Absent where there was no answer. */
  code: z.int().exactOptional(),
  reason: z.string().exactOptional(),
  message: z.string(),
});

const scope = {
  namespace: z.string().exactOptional(),
  labelSelector: z.string().exactOptional(),
  fieldSelector: z.string().exactOptional(),
  metadataOnly: z.literal(true).exactOptional(),
};

const head = z.object({
  is: z.literal('recording'),
  format: z.literal(1),
  at,
  operator: z.string(),
  /** Told apart from the ones before and after it by this. */
  process: z.string(),
  /** Counts the files of a process from 1. */
  part: z.int(),
  /** Whether it acts only while it leads. */
  elects: z.boolean(),
});

const watch = z.object({
  is: z.literal('watch'),
  at,
  id: z.int(),
  ...resource,
  ...scope,
  /** The resourceVersion that it goes on from; absent where it begins with everything that there is. */
  from: z.string().exactOptional(),
});

/** All that was there when the watch began has been told. */
const watchListed = z.object({ is: z.literal('watch-listed'), at, id: z.int() });

const watchEnded = z.object({
  is: z.literal('watch-ended'),
  at,
  id: z.int(),
  /** Absent where the server ended it in order. */
  error: failure.exactOptional(),
});

const seen = z.object({
  is: z.literal('seen'),
  at,
  /**
   * `listed`: by a list, or at the beginning of a watch; `read`: one by one; `written`: the answer to a write, of a
   * kind that nobody watches; `kept`: it is in a cache, told at the beginning of a file.
   */
  how: z.enum(['listed', 'added', 'modified', 'deleted', 'read', 'written', 'kept']),
  /** The list or watch that told it. */
  of: z.int().exactOptional(),
  ...resource,
  metadataOnly: z.literal(true).exactOptional(),
  object,
});

const request = z.object({
  is: z.literal('request'),
  /** When it was sent. */
  at,
  id: z.int(),
  tookMs: z.number(),
  /** The number of the reconcile that sent it; absent where none did. */
  reconcile: z.int().exactOptional(),
  verb: z.enum(['get', 'list', 'create', 'update', 'patch', 'delete', 'deletecollection', 'connect', 'watch']),
  ...resource,
  ...scope,
  subresource: z.string().exactOptional(),
  name: z.string().exactOptional(),
  patchType: z.string().exactOptional(),
  dryRun: z.literal(true).exactOptional(),
  /** Of a list: it is not the first page, and not the last one. */
  continued: z.literal(true).exactOptional(),
  continues: z.literal(true).exactOptional(),
  body: z.custom<JsonValue>((value) => value !== undefined).exactOptional(),
  /** What came of a write. */
  resourceVersion: z.string().exactOptional(),
  /** Of what it has made: the server may have named it. */
  made: z.object({ name: z.string(), uid: z.string() }).exactOptional(),
  /** Nothing is left of the object. */
  gone: z.literal(true).exactOptional(),
  error: failure.exactOptional(),
});

/** Lines of a recording, by what they tell. Times are milliseconds since the epoch. */
export const recordingLine = z.discriminatedUnion('is', [
  head,
  watch,
  watchListed,
  watchEnded,
  seen,
  request,
  /** A reconcile looks into the caches from now on, by its number: what was told by then stands before this line. */
  z.object({ is: z.literal('reconcile-begun'), at, id: z.int() }),
  z.object({ is: z.literal('reconcile'), at, trace: toldTrace }),
  /** So many lines are missing before this one; the caches are told anew after it. */
  z.object({ is: z.literal('dropped'), at, lines: z.int() }),
  /** The process stopped in order. Without it, it died. */
  z.object({ is: z.literal('stopped'), at }),
]);

/** A line of a recording. */
export type RecordingLine = z.infer<typeof recordingLine>;
/** The first line of a file: whose recording it is, and what its caches held. */
export type RecordedHead = z.infer<typeof head>;
/** A request of the operator, and its answer. */
export type RecordedRequest = z.infer<typeof request>;
/** What a cache was shown. */
export type RecordedSight = z.infer<typeof seen>;
/** That a list or a watch failed, and why. */
export type RecordedFailure = z.infer<typeof failure>;
