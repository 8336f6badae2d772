import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Transport } from '../client/index.ts';
import type { Informer } from '../informer/index.ts';
import type { Clock, JsonValue, Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { ReconcileScope } from './reconcile-scope.ts';
import { recordedTransport } from './recorded-transport.ts';
import { RecordingFiles } from './recording-files.ts';
import type { RecordingLine } from './recording-line.ts';
import { type RedactedFields, Redaction } from './redaction.ts';

/** Where a recording is kept, and how much of it. */
export interface RecordSettings {
  /** Made if it is not there. Files in it are readable by their owner alone. */
  readonly directory: string;
  /** A file grows to so many bytes beyond the caches that it begins with. Default 64 MiB. */
  readonly fileBytes?: number;
  /** So many files are kept, the oldest are deleted. Default 4. */
  readonly files?: number;
  /** Fields that are not told, in addition to the values of Secrets, by resource: `{ 'websites.example.com': ['spec.token'] }`. */
  readonly redact?: RedactedFields;
  /** Lines that may wait to be written; what comes beyond is left out, and the caches are told anew. Default 20,000. */
  readonly mostWaiting?: number;
}

/** Whose recording it is, and where it is kept. */
export interface RecorderOptions extends RecordSettings {
  readonly operator: string;
  readonly elects: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** An informer, as far as its cache is told. */
export type RecordedCache = Pick<Informer, 'type' | 'lister' | 'synced'>;

/** So much is put into text without giving others a turn. */
const sliceLength = 32 * 1024;

/**
 * Writes what an operator sees and does into files, for `replay`. Who is recorded waits for nothing: lines are put into
 * text and written between other work, and where that is too slow they are left out, which the recording says. When a
 * file cannot be written the recording ends, and the operator goes on.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #redaction: Redaction;
  readonly #files: RecordingFiles;
  readonly #scope: ReconcileScope;
  #waiting: RecordingLine[] = [];
  #left = 0;
  #caches: () => readonly RecordedCache[] = () => [];
  #draining: Promise<void> | undefined;
  #failed = false;

  constructor(options: RecorderOptions) {
    const { directory, operator, clock, random, fileBytes = 64 * 1024 * 1024, files = 4, redact } = options;
    this.#options = options;
    this.#redaction = new Redaction(redact);
    this.#files = new RecordingFiles({
      directory,
      operator,
      process: Math.floor(random() * 36 ** 6)
        .toString(36)
        .padStart(6, '0'),
      startedAt: clock.now(),
      fileBytes,
      files,
    });
    this.#scope = new ReconcileScope((line) => this.#add(line), clock);
  }

  /** Tells of each reconcile. */
  get observer(): Pick<ReconcileScope, 'began'> {
    return this.#scope;
  }

  /** The same transport, recorded. */
  transport(transport: Transport): Transport {
    const { clock } = this.#options;
    const scope = this.#scope;
    return recordedTransport(transport, { clock, sink: (line) => this.#add(line), reconcile: () => scope.current });
  }

  /** Opens the first file. Rejects where that cannot be. */
  async start(caches: () => readonly RecordedCache[]): Promise<void> {
    this.#caches = caches;
    await this.#begin();
    this.#wake();
  }

  /** Writes what waits, until the signal aborts. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#add({ is: 'stopped', at: this.#options.clock.now() });
    const late = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (this.#draining && !signal.aborted) await Promise.race([this.#draining, late]);
    this.#failed = true;
    await this.#files.close();
  }

  #add(line: RecordingLine): void {
    if (this.#failed) return;
    if (this.#waiting.length >= (this.#options.mostWaiting ?? 20_000)) {
      this.#left += 1;
      return;
    }
    this.#waiting.push(line);
    this.#wake();
  }

  #wake(): void {
    if (this.#draining || this.#files.part === 0) return;
    this.#draining = this.#drain()
      .catch((error: unknown) => {
        this.#failed = true;
        this.#waiting = [];
        this.#options.logger.error('the recording ends: it cannot be written', { error });
      })
      .finally(() => {
        this.#draining = undefined;
        if (this.#waiting.length > 0 && !this.#failed) this.#wake();
      });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#left > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      await this.#write(lines);
      if (this.#left > 0) await this.#tellOfGap();
      if (this.#files.isFull) await this.#begin();
    }
  }

  async #tellOfGap(): Promise<void> {
    const { clock, logger } = this.#options;
    const lines = this.#left;
    this.#left = 0;
    logger.warn('lines of the recording are left out: more happens than can be written', { lines });
    await this.#write([{ is: 'dropped', at: clock.now(), lines }]);
    await this.#write(this.#kept());
  }

  /** The next file, which can be read without the ones before it. */
  async #begin(): Promise<void> {
    const { operator, elects, clock } = this.#options;
    await this.#files.next();
    const process = this.#files.process;
    await this.#write([
      { is: 'recording', format: 1, at: clock.now(), operator, process, part: this.#files.part, elects },
    ]);
    await this.#write(this.#kept());
    this.#files.settled();
  }

  *#kept(): Generator<RecordingLine> {
    for (const { type, lister, synced } of this.#caches()) {
      if (!synced) continue;
      for (const object of lister.list()) yield this.#line(type, object);
    }
  }

  #line({ group, version, plural }: ResourceType, object: KubernetesObject): RecordingLine {
    const at = this.#options.clock.now();
    return { is: 'seen', at, how: 'kept', group, version, resource: plural, object };
  }

  async #write(lines: Iterable<RecordingLine>): Promise<void> {
    let text = '';
    for (const each of lines) {
      text += `${JSON.stringify(this.#told(each))}\n`;
      if (text.length < sliceLength) continue;
      await this.#files.write(text);
      text = '';
      await turnOfEventLoop();
    }
    if (text !== '') await this.#files.write(text);
  }

  /** Without what is not to be told. */
  #told(line: RecordingLine): RecordingLine {
    if (line.is === 'seen') {
      const { managedFields: _, ...metadata } = line.object.metadata;
      const object: KubernetesObject = { ...line.object, metadata };
      if (!this.#redaction.concerns(line.group, line.resource)) return { ...line, object };
      return { ...line, object: this.#redacted(line, object) };
    }
    if (line.is !== 'request' || !this.#redaction.concerns(line.group, line.resource)) return line;
    const { body, error, ...rest } = line;
    return {
      ...rest,
      ...(body !== undefined && { body: this.#redaction.apply(line.group, line.resource, body) }),
      // What is refused stands in the message.
      ...(error && { error: { ...error, message: error.reason ?? 'not told' } }),
    };
  }

  #redacted({ group, resource }: { readonly group: string; readonly resource: string }, object: KubernetesObject) {
    const json: JsonValue = JSON.parse(JSON.stringify(object));
    const redacted: KubernetesObject = JSON.parse(JSON.stringify(this.#redaction.apply(group, resource, json)));
    return redacted;
  }
}
