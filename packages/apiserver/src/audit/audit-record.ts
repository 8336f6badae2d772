import { type Clock, microTimestamp, type Status } from '@keelson/core';
import type { AuditEvent, JsonText, ObjectReference } from './audit-event.ts';
import { withoutManagedFields } from './masked-fields.ts';
import { atLeast, type Stage } from './policy.ts';
import type { AuditConfig } from './policy-rules.ts';
import type { AuditSink } from './sink.ts';

export type RecordBase = Omit<AuditEvent, 'stage' | 'stageTimestamp' | 'level'>;

export interface RecordOptions {
  readonly base: RecordBase;
  readonly config: AuditConfig;
  readonly sink: AuditSink;
  readonly clock: Clock;
  /** Watches, and what runs in pods: their beginning is a stage of its own. */
  readonly longRunning: boolean;
  told(): void;
}

/** What is taken down about one request while it is on its way. */
export class AuditRecord {
  readonly #options: RecordOptions;
  readonly #base: RecordBase;
  #impersonatedUser: AuditEvent['impersonatedUser'];
  #objectRef: ObjectReference | undefined;
  #responseStatus: Partial<Status> | undefined;
  #requestObject: JsonText | undefined;
  #responseObject: JsonText | undefined;
  #annotations: Record<string, string> | undefined;
  #started = false;
  #done = false;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#base = options.base;
    this.#objectRef = options.base.objectRef;
  }

  /** Whether what is sent is wanted. */
  get takesRequest(): boolean {
    return atLeast(this.#options.config.level, 'Request');
  }

  /** Whether what is answered is wanted. */
  get takesResponse(): boolean {
    return this.#options.config.level === 'RequestResponse';
  }

  get hasRequest(): boolean {
    return this.#requestObject !== undefined;
  }

  /** The stage `RequestReceived`. False: it is lost. Waits for a sink that has much to write. */
  async received(): Promise<boolean> {
    await this.#options.sink.ready();
    return this.#tell('RequestReceived', this.#base.requestReceivedTimestamp);
  }

  impersonates({ name, uid, groups, extra }: UserLike): void {
    this.#impersonatedUser = { username: name, uid, groups, extra };
  }

  /** The first that is noted under a key stays. */
  annotate(key: string, value: string): void {
    this.#annotations ??= {};
    this.#annotations[key] ??= value;
  }

  /** An object that was sent, decoded: its metadata says what the path did not. */
  sentObject(object: object): void {
    const { metadata } = object as {
      readonly metadata?: Partial<Record<'name' | 'namespace' | 'uid' | 'resourceVersion', string>>;
    };
    const ref: ObjectReference = { ...this.#objectRef };
    this.#objectRef = ref;
    for (const field of ['namespace', 'name', 'uid', 'resourceVersion'] as const) {
      if (!ref[field] && metadata?.[field]) ref[field] = metadata[field];
    }
    if (this.takesRequest) this.#requestObject = this.#masked(JSON.stringify(object));
  }

  /** What was sent and is no object, such as a patch. */
  sent(value: unknown): void {
    if (this.takesRequest) this.#requestObject = JSON.stringify(value);
  }

  /** What is answered, as JSON. */
  answered(text: JsonText): void {
    if (this.takesResponse) this.#responseObject = this.#masked(text);
  }

  /** A Status is answered; in each level it is taken down. */
  answeredStatus({ status, message, reason, details, code }: Status): void {
    this.#responseStatus = { metadata: {}, status, message, reason, details, code };
  }

  /** The head of the answer is sent. */
  begun(code: number): void {
    if (this.#started) return;
    this.#started = true;
    this.#responseStatus = { ...(this.#responseStatus ?? { metadata: {} }), code };
    if (this.#options.longRunning) void this.#tell('ResponseStarted');
  }

  /** Refused before it was known who asks: the only stage there is. */
  async refused(status: Status): Promise<void> {
    this.answeredStatus(status);
    this.answered(JSON.stringify(asAnswered(status)));
    this.#done = true;
    await this.#tell('ResponseStarted');
  }

  /** Something went wrong that nobody has thought of. */
  async broke(message: string): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    this.#responseStatus = {
      metadata: {},
      status: 'Failure',
      message: `APIServer panic'd: ${message}`,
      reason: 'InternalError',
      code: 500,
    };
    await this.#tell('Panic');
  }

  /** The answer is complete, or nobody waits for it any more. */
  async finished(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    if (!this.#started) {
      this.#responseStatus = { metadata: {}, status: 'Success', message: 'Connection closed early', code: 200 };
      if (this.#options.longRunning) await this.#tell('ResponseStarted');
    }
    await this.#tell('ResponseComplete');
  }

  #masked(text: JsonText): JsonText {
    return this.#options.config.omitManagedFields ? withoutManagedFields(text) : text;
  }

  #tell(stage: Stage, at?: string): boolean | Promise<boolean> {
    const { config, sink, clock, told } = this.#options;
    if (config.omitStages.has(stage)) return true;
    told();
    const { auditID, requestURI, verb, user, sourceIPs, userAgent, requestReceivedTimestamp } = this.#base;
    const event: AuditEvent = {
      level: config.level,
      auditID,
      stage,
      requestURI,
      verb,
      user,
      impersonatedUser: this.#impersonatedUser,
      sourceIPs,
      userAgent,
      objectRef: this.#objectRef,
      responseStatus: this.#responseStatus,
      requestObject: this.#requestObject,
      responseObject: this.#responseObject,
      requestReceivedTimestamp,
      stageTimestamp: at ?? microTimestamp(clock),
      annotations: this.#annotations && { ...this.#annotations },
    };
    return sink.process([event]);
  }
}

interface UserLike {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** With its kind first, as it is sent. */
export function asAnswered({ kind = 'Status', apiVersion = 'v1', ...status }: Status): Status {
  return { kind, apiVersion, ...status };
}
