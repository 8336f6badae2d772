import type { Status } from '@keelson/core';
import type { Level, Stage } from './policy.ts';

/** A value that is JSON text already. */
export type JsonText = string;

export interface AuditedUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

/** `Event` of `audit.k8s.io/v1`: what is known of a request at one stage. Never changed once it is told. */
export interface AuditEvent {
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditedUser;
  readonly impersonatedUser?: AuditedUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: Partial<Status>;
  readonly requestObject?: JsonText;
  readonly responseObject?: JsonText;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An event as JSON, its fields in Kubernetes' order. In lists its kind and version go without saying. */
export function encodeEvent(event: AuditEvent, { typed }: { readonly typed: boolean }): JsonText {
  const { requestObject, responseObject, requestReceivedTimestamp, stageTimestamp, annotations, ...head } = event;
  const before = JSON.stringify({ ...(typed && { kind: 'Event', apiVersion: 'audit.k8s.io/v1' }), ...head });
  const after = JSON.stringify({ requestReceivedTimestamp, stageTimestamp, annotations });
  const request = requestObject === undefined ? '' : `,"requestObject":${requestObject}`;
  const response = responseObject === undefined ? '' : `,"responseObject":${responseObject}`;
  return `${before.slice(0, -1)}${request}${response},${after.slice(1)}`;
}

/** Many events as an `EventList`. */
export function encodeEventList(events: readonly AuditEvent[]): JsonText {
  const items = events.map((each) => encodeEvent(each, { typed: false })).join(',');
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}\n`;
}
