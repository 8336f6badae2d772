import type { KubernetesObject, ReconcileTrace } from '@keelson/core';
import type { RecordedFailure, RecordedRequest } from '@keelson/core/recording';

/** What is watched, read or written. */
export interface RecordedKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** From a start of the process to its end. Times are milliseconds since the epoch. */
export interface RecordedSession {
  readonly startedAt: number;
  readonly endedAt: number;
  /** It stopped in order, else it died. */
  readonly stopped: boolean;
  /** From its first reconcile on, where it acts only while it leads. */
  readonly leadsFrom: number | undefined;
}

/** An object as it was before the recording began. */
export interface RecordedObject {
  readonly kind: RecordedKind;
  readonly object: KubernetesObject;
}

/** What somebody other than the operator has done. */
export interface ForeignChange {
  readonly kind: RecordedKind;
  readonly key: string;
  readonly how: 'made' | 'changed' | 'gone';
  /** When it was done, as far as the order of versions tells, and when the operator saw it. */
  readonly at: number;
  readonly seenAt: number;
  /** The same, in the order of all that was seen and done in that millisecond. */
  readonly toldAt: number;
  readonly before: KubernetesObject | undefined;
  /** Of what is gone, as it was last seen. */
  readonly after: KubernetesObject;
}

/** A request of the operator. */
export interface RecordedCall {
  readonly request: RecordedRequest;
  readonly session: number;
  readonly text: string;
  /** When it was done. */
  readonly effectAt: number;
  /** When the operator saw what it had done; `undefined` where it did not. */
  readonly seenAt: number | undefined;
  /** The same, in the order of all that was seen and done in that millisecond. */
  readonly toldAt: number | undefined;
  /** It changed something. */
  readonly effective: boolean;
}

export interface RecordedWatch {
  readonly session: number;
  readonly kind: RecordedKind;
  readonly at: number;
  /** When all that was there had been told; absent where it went on from a version. */
  readonly listedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly error: RecordedFailure | undefined;
}

/** A reconcile, with the writes that changed something. */
export interface RecordedReconcile {
  readonly session: number;
  readonly trace: ReconcileTrace;
  /** When it could look into the caches, in the order of all that was seen and done in that millisecond. */
  readonly lookedAt: number;
  readonly writes: readonly RecordedCall[];
}

/** What a recording says, put in order. */
export interface History {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly sessions: readonly RecordedSession[];
  readonly initial: readonly RecordedObject[];
  /** In the order in which they were done. */
  readonly changes: readonly ForeignChange[];
  readonly calls: readonly RecordedCall[];
  readonly watches: readonly RecordedWatch[];
  readonly reconciles: readonly RecordedReconcile[];
  /** Lines that the recording says are missing. */
  readonly dropped: number;
}

/** The same for all versions of a kind. */
export const kindText = ({ group, resource }: Pick<RecordedKind, 'group' | 'resource'>): string =>
  group === '' ? resource : `${resource}.${group}`;
